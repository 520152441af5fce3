"""A service that asks another one: which of the two is slow."""

from __future__ import annotations

from tests.faults.case import Case, Knobs
from tests.faults.stage import Stage

FRONT, BACK = 7801, 7802
_HEALTHY_SECONDS = 15.0


def asked(stage: Stage, knobs: Knobs) -> None:
    """The backend may begin to be slow some time after the collector has come; what the front does itself is `own`."""
    after = _HEALTHY_SECONDS if knobs.get("later") else 0.0
    stage.program("web.py", "serve", BACK, "--delay", knobs["delay"], "--after", after, service="stock")
    stage.wait_for_listener(BACK)
    stage.program(
        "web.py", "serve", FRONT, "--backend", BACK, "--delay", knobs.get("own", 0.0), service="shop"
    )
    stage.wait_for_listener(FRONT)
    stage.program("web.py", "ask", FRONT, service="customers")


CASES = [
    Case(
        name="slow-dependency",
        family="dependencies",
        story="A service asks another one for each request, and that answers slowly.",
        fix="The one that is asked; a timeout.",
        truth=("app.slow_dependency",),
        play=asked,
        intensities={"since-long": {"delay": 0.25}, "begins": {"delay": 0.12, "later": 1}},
    ),
    Case(
        name="slow-itself",
        family="dependencies",
        story="The service takes its time itself; the one that it asks answers at once.",
        fix="",
        truth=(),
        play=asked,
        intensities={"usual": {"delay": 0.005, "own": 0.2}},
        lookalike_of="slow-dependency",
    ),
]
