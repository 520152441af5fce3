"""Services that are slow for reasons of their own: locks, event loops, pools, workers, what a request does."""

from __future__ import annotations

import subprocess
from collections.abc import Callable

from tests.faults.case import Case, Knobs
from tests.faults.stage import Stage

PORT, BACKEND = 7801, 7802
Play = Callable[[Stage, Knobs], None]
_WHOLE = ("workers", "pool", "times")
_NOT_OF_THE_SERVICE = ("customers", "pause", "stock", "later")


def serve(stage: Stage, program: str, port: int, *arguments: object) -> subprocess.Popen[bytes]:
    """Under a name of its own: what is told by service must not add up with a case that runs beside it."""
    return stage.program(program, port, *arguments, service=f"shop-{port}-{stage.here.inode}")


def web(mode: str, *, program: str = "shop.py") -> Play:
    """A service in that mode, there before the collector starts; its knobs are the program's options."""

    def set_up(stage: Stage, knobs: Knobs) -> None:
        options: list[object] = []
        for name, value in knobs.items():
            if name not in _NOT_OF_THE_SERVICE:
                options += [f"--{name}", int(value) if name in _WHOLE else value]
        if "stock" in knobs:
            serve(stage, "shop.py", BACKEND, "wait", "--seconds", knobs["stock"])
            stage.wait_for_listener(BACKEND)
            options += ["--backend", BACKEND]
        serve(stage, program, PORT, mode, *options)
        stage.wait_for_listener(PORT)

    return set_up


def customers(stage: Stage, knobs: Knobs) -> None:
    stage.program("customers.py", PORT, int(knobs["customers"]), "--pause", knobs.get("pause", 0))


CASES = [
    Case(
        name="lock-convoy",
        family="serving",
        story="Every request sleeps for 5 ms with a lock that all of them want.",
        fix="Sleep without the lock.",
        truth=("python.lock_contention",),
        play=customers,
        set_up=web("lock"),
        intensities={
            "sixteen": {"customers": 16, "seconds": 0.005},
            "forty": {"customers": 40, "seconds": 0.02},
        },
    ),
    Case(
        name="loop-sleeps",
        family="serving",
        story="A coroutine waits in a call that is not awaited, as a client that blocks does.",
        fix="Await it, or give it to a thread.",
        truth=("python.event_loop_blocked",),
        play=customers,
        set_up=web("sleep", program="loop.py"),
        intensities={"long": {"customers": 8, "seconds": 0.2}, "short": {"customers": 4, "seconds": 0.06}},
    ),
    Case(
        name="loop-writes",
        family="serving",
        story="A coroutine writes a file through to the disk.",
        fix="Give it to a thread.",
        truth=("python.event_loop_blocked",),
        play=customers,
        set_up=web("file", program="loop.py"),
        intensities={"usual": {"customers": 8, "seconds": 0.1}},
    ),
    Case(
        name="loop-computes",
        family="serving",
        story="A coroutine computes for a tenth of a second without letting others go on.",
        fix="Compute in another process.",
        truth=("python.event_loop_blocked",),
        play=customers,
        set_up=web("compute", program="loop.py"),
        intensities={"usual": {"customers": 8, "seconds": 0.1}},
    ),
    Case(
        name="loop-awaits",
        family="serving",
        story="Coroutines await something that takes 200 ms: slow, but nobody keeps the loop.",
        fix="",
        truth=(),
        play=customers,
        set_up=web("wait", program="loop.py"),
        intensities={"usual": {"customers": 8, "seconds": 0.2}},
        lookalike_of="loop-sleeps",
    ),
    Case(
        name="logs-to-the-disk",
        family="serving",
        story="Each line of the log is written through to the disk before the request goes on.",
        fix="A QueueHandler, or no fsync.",
        truth=("python.sync_logging",),
        play=customers,
        set_up=web("log"),
        intensities={"usual": {"customers": 12, "times": 5}},
    ),
    Case(
        name="pool-too-small",
        family="serving",
        story="Thirty requests want one of two connections to a quick service behind.",
        fix="A pool of the size that Little's law asks for.",
        truth=("app.pool_exhausted",),
        play=customers,
        set_up=web("pool"),
        intensities={"two": {"customers": 30, "pool": 2, "stock": 0.01}},
        lookalike_of="lock-convoy",
    ),
    Case(
        name="too-few-workers",
        family="serving",
        story="Two processes serve one request of 100 ms at a time each, and twelve customers ask; the CPUs are idle.",
        fix="More workers, or threads.",
        truth=("app.worker_count",),
        play=customers,
        set_up=web("wait"),
        intensities={"two": {"customers": 12, "workers": 2, "seconds": 0.1}},
    ),
    Case(
        name="enough-workers",
        family="serving",
        story="Requests of 100 ms, and a thread for each of them.",
        fix="",
        truth=(),
        play=customers,
        set_up=web("wait"),
        intensities={"usual": {"customers": 12, "seconds": 0.1, "pause": 0.05}},
        lookalike_of="too-few-workers",
    ),
    Case(
        name="formats-tracebacks",
        family="serving",
        story="Each request raises twenty exceptions and formats their tracebacks.",
        fix="Ask before, and keep tracebacks for what is logged.",
        truth=("python.excessive_exceptions",),
        play=customers,
        set_up=web("exceptions"),
        intensities={"usual": {"customers": 4, "times": 5}},
    ),
    Case(
        name="imports-at-requests",
        family="serving",
        story="Each request looks for a module that nobody installed.",
        fix="Import it at the start.",
        truth=("python.import_at_request",),
        play=customers,
        set_up=web("import"),
        intensities={"usual": {"customers": 4, "times": 20}},
    ),
    Case(
        name="much-json",
        family="serving",
        story="Each request writes and reads the whole catalogue as JSON.",
        fix="A quicker encoder, smaller answers, or kept ones.",
        truth=("app.layer_overhead",),
        play=customers,
        set_up=web("json"),
        intensities={"usual": {"customers": 4, "times": 2}},
    ),
    Case(
        name="regex-backtracks",
        family="serving",
        story="A regular expression tries all ways to match, which are a hundred thousand.",
        fix="An expression without nested repetition.",
        truth=("app.layer_overhead",),
        play=customers,
        set_up=web("regex"),
        intensities={"usual": {"customers": 4}},
    ),
]
