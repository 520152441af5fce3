"""CPUs that others take, that a service may not use, or that are spent on switching; and much use that harms nobody."""

from __future__ import annotations

from tests.faults.case import Case, Knobs
from tests.faults.gobuild import built
from tests.faults.stage import Stage

PORT = 7521


def service(stage: Stage, rate: float = 60, compute: float = 0.002) -> None:
    """It needs an eighth of a core."""
    stage.program("worker.py", PORT, "--compute", compute)
    stage.wait_for_listener(PORT)
    stage.program("client.py", f"127.0.0.1:{PORT}", "--kept", 4, "--pause", 4 / rate)


def beside(stage: Stage, *before: str, workers: int, busy: float = 1.0) -> None:
    program = str(stage.program_path("spin.py"))
    stage.start(*before, stage.python, program, "--workers", str(workers), "--busy", str(busy))


def neighbour(stage: Stage, knobs: Knobs) -> None:
    service(stage)
    stage.begin()
    beside(stage, workers=int(knobs["workers"]))


def low_weight(stage: Stage, _: Knobs) -> None:
    service(stage)
    stage.begin()
    beside(stage, "nice", "-n", "19", workers=2)


def nightly_batch(stage: Stage, _: Knobs) -> None:
    """One core of two for a job, as long as it takes."""
    service(stage)
    stage.begin()
    beside(stage, workers=1)


def pinned(stage: Stage, knobs: Knobs) -> None:
    """Who looks for facts of services does so once a minute: it is there from the beginning."""
    argv = ["taskset", "-c", "1", stage.python, str(stage.program_path("worker.py")), str(PORT)]
    argv += ["--processes", "3", "--compute", str(knobs["compute"])]
    stage.start(*argv)
    stage.wait_for_listener(PORT)


def pinned_service_is_asked(stage: Stage, knobs: Knobs) -> None:
    stage.program("client.py", f"127.0.0.1:{PORT}", "--kept", 8, "--pause", knobs["pause"])


def storm(stage: Stage, knobs: Knobs) -> None:
    stage.begin()
    stage.go_program("goshop", PORT, PORT + 1, "-pingers", int(knobs["pairs"]))


def threads_asleep(stage: Stage, _: Knobs) -> None:
    stage.begin()
    stage.program("spin.py", "--threads", 150, "--busy", 0.2)


def one_thread(stage: Stage, knobs: Knobs) -> None:
    """Its runtime runs one thread at a time."""
    program = str(built("goshop"))
    stage.start("env", "GOMAXPROCS=1", program, str(PORT), str(PORT + 1), "-compute", "5ms")
    stage.wait_for_listener(PORT)
    stage.begin()
    stage.program(
        "client.py", f"127.0.0.1:{PORT}", "--kept", int(knobs["connections"]), "--pause", knobs["pause"]
    )


def realtime(stage: Stage, knobs: Knobs) -> None:
    """On one CPU, which the service may not leave; the other one is this machine's."""
    argv = ["taskset", "-c", "1", stage.python, str(stage.program_path("worker.py")), str(PORT)]
    stage.start(*argv, "--compute", "0.002")
    stage.wait_for_listener(PORT)
    stage.program("client.py", f"127.0.0.1:{PORT}", "--kept", 4, "--pause", 0.06)
    stage.begin()
    beside(stage, "taskset", "-c", "1", "chrt", "-f", "20", workers=1, busy=knobs["busy"])


CASES = [
    Case(
        name="noisy-neighbour",
        family="neighbours",
        story="Another job takes all CPUs, and the service waits for its turns.",
        fix="Less weight for the job, or another host.",
        truth=("cpu.noisy_neighbour",),
        play=neighbour,
        intensities={"four": {"workers": 4}},
        alone=True,
    ),
    Case(
        name="low-weight-batch",
        family="neighbours",
        story="All CPUs are used all the time, by a job that lets others go first.",
        fix="",
        truth=(),
        play=low_weight,
        lookalike_of="noisy-neighbour",
        alone=True,
    ),
    Case(
        name="nightly-batch",
        family="neighbours",
        story="A job keeps one of two CPUs busy.",
        fix="",
        truth=(),
        play=nightly_batch,
        lookalike_of="noisy-neighbour",
        alone=True,
    ),
    Case(
        name="pinned-to-one-cpu",
        family="neighbours",
        story="A service with three processes may use one CPU of two.",
        fix="Let it use both.",
        truth=("cpu.affinity_pinned",),
        set_up=pinned,
        play=pinned_service_is_asked,
        intensities={"usual": {"compute": 0.005, "pause": 0.01}},
        alone=True,
    ),
    Case(
        name="pinned-with-room",
        family="neighbours",
        story="A service may use one CPU, and needs a part of it.",
        fix="",
        truth=(),
        set_up=pinned,
        play=pinned_service_is_asked,
        intensities={"usual": {"compute": 0.002, "pause": 0.2}},
        lookalike_of="pinned-to-one-cpu",
        alone=True,
    ),
    Case(
        name="context-switch-storm",
        family="neighbours",
        story="Threads wake one another all the time and do nothing else.",
        fix="Work in batches.",
        truth=("cpu.context_switch_storm",),
        play=storm,
        intensities={"four": {"pairs": 4}},
        needs=("go",),
        alone=True,
    ),
    Case(
        name="many-threads-asleep",
        family="neighbours",
        story="A hundred and fifty threads sleep, one works a little.",
        fix="",
        truth=(),
        play=threads_asleep,
        lookalike_of="context-switch-storm",
    ),
    Case(
        name="one-busy-thread",
        family="neighbours",
        story="A service computes in one thread, and the other CPU is idle.",
        fix="A second worker.",
        truth=("cpu.single_thread_bound",),
        play=one_thread,
        intensities={"usual": {"connections": 8, "pause": 0.001}},
        needs=("go",),
        alone=True,
    ),
    Case(
        name="one-thread-with-room",
        family="neighbours",
        story="The same service, asked for half of what it can do.",
        fix="",
        truth=(),
        play=one_thread,
        intensities={"usual": {"connections": 4, "pause": 0.05}},
        needs=("go",),
        lookalike_of="one-busy-thread",
        alone=True,
    ),
    Case(
        name="real-time-task",
        family="neighbours",
        story="A program computes under a real-time policy, on the CPU of a service.",
        fix="An ordinary policy.",
        truth=("cpu.realtime_starvation",),
        play=realtime,
        intensities={"all": {"busy": 1.0}},
        alone=True,
    ),
    Case(
        name="real-time-task-that-sleeps",
        family="neighbours",
        story="A real-time program wakes up now and then.",
        fix="",
        truth=(),
        play=realtime,
        intensities={"usual": {"busy": 0.05}},
        lookalike_of="real-time-task",
        alone=True,
    ),
]
