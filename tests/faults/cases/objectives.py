"""Users are served badly, and no cause is to be found on the host; and what only looks like that."""

from __future__ import annotations

import time

from tests.faults.case import Case, Knobs
from tests.faults.cases.serving import customers, serve, web
from tests.faults.stage import Stage

PORT, LINES = 7801, 7803
USUAL_SECONDS = 40.0


def surge(stage: Stage, knobs: Knobs) -> None:
    """From what is usual for a while to many times as many connections."""
    stage.program("client.py", f"127.0.0.1:{LINES}", "--rate", 5)
    time.sleep(USUAL_SECONDS)
    stage.begin()
    stage.program("client.py", f"127.0.0.1:{LINES}", "--rate", knobs["more"])


def lines(stage: Stage, _: Knobs) -> None:
    stage.program("server.py", LINES)
    stage.wait_for_listener(LINES)


def slower(stage: Stage, knobs: Knobs) -> None:
    """What it waits for takes longer from one moment on."""
    sign = stage.folder() / "slower"
    serve(stage, "shop.py", PORT, "wait", "--seconds", knobs["seconds"], "--slower", sign)
    stage.wait_for_listener(PORT)
    customers(stage, knobs)
    time.sleep(USUAL_SECONDS)
    stage.begin()
    sign.touch()


def fewer(stage: Stage, knobs: Knobs) -> None:
    """Most customers go home."""
    crowd = stage.program("customers.py", PORT, int(knobs["customers"]))
    stage.program("customers.py", PORT, 2)
    time.sleep(USUAL_SECONDS)
    stage.begin()
    crowd.kill()


CASES = [
    Case(
        name="answers-with-errors",
        family="objectives",
        story="Three requests of ten are answered with status 500, for more than two minutes.",
        fix="The log has the error.",
        truth=("app.error_rate",),
        play=customers,
        set_up=web("errors"),
        intensities={"many": {"customers": 8, "pause": 0.05, "share": 0.3}},
        patience_seconds=150,
    ),
    Case(
        name="answers-with-few-errors",
        family="objectives",
        story="One request of a hundred is answered with status 500.",
        fix="",
        truth=(),
        play=customers,
        set_up=web("errors"),
        intensities={"usual": {"customers": 8, "pause": 0.05, "share": 0.01}},
        lookalike_of="answers-with-errors",
    ),
    Case(
        name="answers-late",
        family="objectives",
        story="Each request waits a second for something outside of the host's view.",
        fix="What it waits for.",
        truth=("app.latency_slo",),
        play=customers,
        set_up=web("wait"),
        intensities={"usual": {"customers": 30, "seconds": 1.0}},
    ),
    Case(
        name="connection-surge",
        family="objectives",
        story="Twelve times as many connections as before, from one moment on.",
        fix="See who comes.",
        truth=("app.connection_surge",),
        play=surge,
        set_up=lines,
        intensities={"usual": {"more": 60}},
    ),
    Case(
        name="goodput-drop",
        family="objectives",
        story="What requests wait for takes five times as long, and as many customers as before ask.",
        fix="What it waits for.",
        truth=("app.goodput_drop",),
        play=slower,
        intensities={"usual": {"customers": 8, "seconds": 0.02}},
    ),
    Case(
        name="fewer-customers",
        family="objectives",
        story="Most customers go home, and the rest is served as before.",
        fix="",
        truth=(),
        play=fewer,
        set_up=web("wait"),
        intensities={"usual": {"customers": 10, "seconds": 0.02}},
        lookalike_of="goodput-drop",
    ),
]
