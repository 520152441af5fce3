"""Workers that share a listener."""

from __future__ import annotations

from tests.faults.case import Case, Knobs
from tests.faults.stage import Stage

PORT = 7701


def woken(stage: Stage, knobs: Knobs) -> None:
    exclusive = ["--exclusive"] if knobs.get("exclusive") else []
    stage.program("herd.py", PORT, "--workers", int(knobs["workers"]), *exclusive)
    stage.wait_for_listener(PORT)
    stage.begin()
    stage.program("client.py", f"127.0.0.1:{PORT}", "--rate", knobs["rate"])


def members(stage: Stage, knobs: Knobs) -> None:
    stage.program("members.py", PORT, "--slow", knobs.get("slow", 0.0))
    stage.wait_for_listener(PORT)
    stage.begin()
    stage.program("client.py", f"127.0.0.1:{PORT}", "--rate", 80)


CASES = [
    Case(
        name="thundering-herd",
        family="workers",
        story="Every connection wakes all workers, and one of them gets it.",
        fix="EPOLLEXCLUSIVE, or a listener for each worker.",
        truth=("network.thundering_herd",),
        play=woken,
        intensities={"16": {"workers": 16, "rate": 120}, "32": {"workers": 32, "rate": 60}},
    ),
    Case(
        name="one-woken-at-a-time",
        family="workers",
        story="As many workers, of which a connection wakes one.",
        fix="",
        truth=(),
        play=woken,
        intensities={"usual": {"workers": 16, "rate": 120, "exclusive": 1}},
        lookalike_of="thundering-herd",
    ),
    Case(
        name="one-member-slow",
        family="workers",
        story="Four processes share a port; the kernel deals one of them more than it can work off.",
        fix="What keeps that one, or a shared listener.",
        truth=("network.reuseport_imbalance", "app.acceptor_stalled"),
        play=members,
        intensities={"usual": {"slow": 0.2}, "stuck": {"slow": 5.0}},
    ),
    Case(
        name="members-alike",
        family="workers",
        story="Four processes share a port, and all keep up.",
        fix="",
        truth=(),
        play=members,
        lookalike_of="one-member-slow",
    ),
]
