"""What control groups and the machine let processes have: tasks, CPU time."""

from __future__ import annotations

from tests.faults.case import Case, Knobs
from tests.faults.stage import Stage


def task_limit(stage: Stage, knobs: Knobs) -> None:
    group = stage.cgroup("pids", pids__max=int(knobs["limit"]))
    program = str(stage.program_path("spin.py"))
    threads = str(int(knobs["threads"]))
    stage.start_in(group, stage.python, program, "--threads", threads, "--busy", "0.01")


def quota(stage: Stage, knobs: Knobs) -> None:
    group = stage.cgroup("cpu", cpu__cfs_quota_us=int(knobs["quota"]))
    program = str(stage.program_path("spin.py"))
    stage.start_in(
        group, stage.python, program, "--workers", str(int(knobs["workers"])), "--busy", str(knobs["busy"])
    )


CASES = [
    Case(
        name="task-limit",
        family="processes",
        story="A service starts threads until its control group lets it have no more.",
        fix="A higher TasksMax, or smaller pools.",
        truth=("limits.tasks",),
        play=task_limit,
        intensities={"few": {"limit": 30, "threads": 200}, "more": {"limit": 120, "threads": 400}},
    ),
    Case(
        name="many-tasks",
        family="processes",
        story="A hundred threads, and room for a thousand.",
        fix="",
        truth=(),
        play=task_limit,
        intensities={"usual": {"limit": 1000, "threads": 100}},
        lookalike_of="task-limit",
    ),
    Case(
        name="cpu-quota",
        family="processes",
        story="A service wants more CPU than its control group's quota and stands still for most of each period.",
        fix="A higher quota, or fewer workers.",
        truth=("cpu.cgroup_throttling",),
        play=quota,
        intensities={
            "hard": {"quota": 5000, "workers": 4, "busy": 1.0},
            "bursts": {"quota": 10000, "workers": 4, "busy": 0.3},
        },
    ),
    Case(
        name="quota-with-room",
        family="processes",
        story="A quota that the service does not use up.",
        fix="",
        truth=(),
        play=quota,
        intensities={"usual": {"quota": 80000, "workers": 1, "busy": 0.2}},
        lookalike_of="cpu-quota",
    ),
]
