"""Services in Go whose runtime, locks or goroutines are the trouble."""

from __future__ import annotations

from tests.faults.case import Case, Knobs
from tests.faults.gobuild import built
from tests.faults.stage import Stage

PORT, DEBUG_PORT = 7531, 7532


def ask(stage: Stage, connections: int, pause: float) -> None:
    stage.wait_for_listener(PORT)
    stage.begin()
    stage.program("client.py", f"127.0.0.1:{PORT}", "--kept", connections, "--pause", pause)


def shop(stage: Stage, *options: object, gogc: int = 100) -> None:
    argv = ["env", f"GOGC={gogc}", str(built("goshop")), str(PORT), str(DEBUG_PORT)]
    stage.start(*argv, *map(str, options))
    stage.wait_for_listener(PORT)


def leaking(stage: Stage, knobs: Knobs) -> None:
    shop(stage, *(["-leak"] if knobs["leak"] else ["-asleep", 2000]))


def leaking_is_asked(stage: Stage, knobs: Knobs) -> None:
    ask(stage, 4, 4 / knobs["rate"])


def locked(stage: Stage, knobs: Knobs) -> None:
    shop(stage, "-held", f"{int(knobs['held_ms'])}ms")


def locked_is_asked(stage: Stage, knobs: Knobs) -> None:
    ask(stage, int(knobs["connections"]), 0.001)


def waiting_for_work(stage: Stage, _: Knobs) -> None:
    shop(stage, "-asleep", 200)


def waiting_is_asked(stage: Stage, _: Knobs) -> None:
    ask(stage, 30, 0.2)


CASES = [
    Case(
        name="goroutine-leak",
        family="golang",
        story="Each request starts a goroutine that never ends.",
        fix="A channel with a buffer.",
        truth=("go.goroutine_leak",),
        set_up=leaking,
        play=leaking_is_asked,
        intensities={"slow": {"leak": 1, "rate": 4}, "fast": {"leak": 1, "rate": 40}},
        needs=("go",),
        patience_seconds=60.0,
    ),
    Case(
        name="many-goroutines",
        family="golang",
        story="Two thousand goroutines that wait for work, as they did from the start.",
        fix="",
        truth=(),
        set_up=leaking,
        play=leaking_is_asked,
        intensities={"usual": {"leak": 0, "rate": 40}},
        needs=("go",),
        patience_seconds=60.0,
        lookalike_of="goroutine-leak",
    ),
    Case(
        name="go-mutex",
        family="golang",
        story="All requests of a Go service hold one lock while they wait for something.",
        fix="Wait without the lock.",
        truth=("go.mutex_contention",),
        set_up=locked,
        play=locked_is_asked,
        intensities={"5ms": {"held_ms": 5, "connections": 30}},
        needs=("go",),
        patience_seconds=60.0,
    ),
    Case(
        name="go-waits-for-work",
        family="golang",
        story="Hundreds of goroutines wait for work, none for a lock.",
        fix="",
        truth=(),
        set_up=waiting_for_work,
        play=waiting_is_asked,
        needs=("go",),
        lookalike_of="go-mutex",
    ),
]
