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


def collecting(stage: Stage, knobs: Knobs) -> None:
    shop(stage, "-garbage", 200_000, "-live", 200_000, gogc=int(knobs["gogc"]))


def collecting_is_asked(stage: Stage, knobs: Knobs) -> None:
    ask(stage, 8, knobs["pause"])


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


def keeping(stage: Stage, knobs: Knobs) -> None:
    shop(stage, "-http", "-idle", f"{int(knobs['idle'])}s")


def opened_and_kept(stage: Stage, knobs: Knobs) -> None:
    stage.begin()
    stage.program("client.py", f"127.0.0.1:{PORT}", "--rate", knobs["rate"], "--silent")


def calling(stage: Stage, knobs: Knobs) -> None:
    stage.begin()
    shop(stage, "-http", "-callers", 8, *(["-fresh"] if knobs["fresh"] else []))


def over_quota(stage: Stage, knobs: Knobs) -> None:
    group = stage.cgroup("cpu", cpu__cfs_quota_us=int(knobs["quota"]))
    argv = ["env", f"GOMAXPROCS={int(knobs['processors'])}"] if knobs["processors"] else []
    argv += [str(built("goshop")), str(PORT), str(DEBUG_PORT), "-compute", "3ms"]
    stage.start_in(group, *argv)
    ask(stage, 8, 0.005)


CASES = [
    Case(
        name="go-low-gogc",
        family="golang",
        story="A Go service collects garbage far more often than it has to.",
        fix="GOGC back to 100.",
        truth=("go.gc_pressure",),
        set_up=collecting,
        play=collecting_is_asked,
        intensities={"5": {"gogc": 5, "pause": 0.005}},
        needs=("go",),
        patience_seconds=60.0,
        alone=True,
    ),
    Case(
        name="go-usual-gogc",
        family="golang",
        story="The same service with the default.",
        fix="",
        truth=(),
        set_up=collecting,
        play=collecting_is_asked,
        intensities={"usual": {"gogc": 400, "pause": 0.05}},
        needs=("go",),
        lookalike_of="go-low-gogc",
        alone=True,
    ),
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
    Case(
        name="go-no-timeouts",
        family="golang",
        story="A Go server without timeouts keeps connections on which nothing is said.",
        fix="IdleTimeout and ReadHeaderTimeout.",
        truth=("go.no_server_timeouts",),
        set_up=keeping,
        play=opened_and_kept,
        intensities={"usual": {"idle": 0, "rate": 8}},
        needs=("go",),
        patience_seconds=60.0,
    ),
    Case(
        name="go-with-timeouts",
        family="golang",
        story="The same with timeouts: as many connections are closed as come.",
        fix="",
        truth=(),
        set_up=keeping,
        play=opened_and_kept,
        intensities={"usual": {"idle": 5, "rate": 8}},
        needs=("go",),
        patience_seconds=60.0,
        lookalike_of="go-no-timeouts",
    ),
    Case(
        name="go-fresh-connections",
        family="golang",
        story="A Go client opens a connection for each call.",
        fix="One Transport for all calls, with keep-alive.",
        truth=("go.connections_not_reused",),
        play=calling,
        intensities={"usual": {"fresh": 1}},
        needs=("go",),
        patience_seconds=60.0,
    ),
    Case(
        name="go-kept-connections",
        family="golang",
        story="The same client with connections that are used again.",
        fix="",
        truth=(),
        play=calling,
        intensities={"usual": {"fresh": 0}},
        needs=("go",),
        lookalike_of="go-fresh-connections",
    ),
    Case(
        name="go-over-quota",
        family="golang",
        story="A Go service runs a thread for each CPU of the host on a quota of half a core.",
        fix="GOMAXPROCS=1, or a higher quota.",
        truth=("go.gomaxprocs_over_quota",),
        play=over_quota,
        intensities={"default": {"quota": 50_000, "processors": 0}},
        needs=("go",),
        alone=True,
    ),
    Case(
        name="go-short-of-quota",
        family="golang",
        story="GOMAXPROCS is 1, and its quota of most of a core is too small for the load.",
        fix="A higher quota.",
        truth=("cpu.cgroup_throttling",),
        play=over_quota,
        intensities={"usual": {"quota": 70_000, "processors": 1}},
        needs=("go",),
        lookalike_of="go-over-quota",
        alone=True,
    ),
]
