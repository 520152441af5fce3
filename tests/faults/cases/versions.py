"""A new version of a service takes the place of the old one."""

from __future__ import annotations

import time

from tests.faults.case import Case, Knobs
from tests.faults.cases.serving import PORT, customers, serve
from tests.faults.stage import Stage

USUAL_SECONDS = 40.0


def replaced(stage: Stage, knobs: Knobs) -> None:
    """The old version serves for a while, then the new one does."""
    old = serve(stage, "shop.py", PORT, "compute", "--seconds", knobs["before"])
    stage.wait_for_listener(PORT)
    customers(stage, knobs)
    time.sleep(USUAL_SECONDS)
    old.kill()
    old.wait()
    stage.begin()
    serve(stage, "shop.py", PORT, "compute", "--seconds", knobs["now"])
    stage.wait_for_listener(PORT)


CASES = [
    Case(
        name="new-version",
        family="versions",
        story="The new version prices baskets ten times as slowly.",
        fix="What changed in that function.",
        truth=("app.function_regression",),
        play=replaced,
        intensities={"slower": {"customers": 3, "pause": 0.02, "before": 0.0001, "now": 0.001}},
        patience_seconds=60,
    ),
    Case(
        name="same-version",
        family="versions",
        story="A restart: the new process does what the old one did.",
        fix="",
        truth=(),
        play=replaced,
        intensities={"usual": {"customers": 3, "pause": 0.05, "before": 0.0005, "now": 0.0005}},
        lookalike_of="new-version",
    ),
]
