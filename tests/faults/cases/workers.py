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
]
