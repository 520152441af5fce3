"""Memory that leaks, is too little, or only looks so."""

from __future__ import annotations

from tests.faults.case import Case, Knobs
from tests.faults.stage import Stage

PORT = 7501
MEBIBYTE = 1024**2


def ask(stage: Stage, rate: float, connections: int = 4) -> None:
    stage.program("client.py", f"127.0.0.1:{PORT}", "--kept", connections, "--pause", connections / rate)


def worker_in(stage: Stage, mebibytes: int, *options: object) -> None:
    group = stage.cgroup("memory", memory__limit_in_bytes=mebibytes * MEBIBYTE)
    program = str(stage.program_path("worker.py"))
    stage.start_in(group, stage.python, program, str(PORT), *map(str, options))
    stage.wait_for_listener(PORT)


def leak(stage: Stage, knobs: Knobs) -> None:
    stage.program("worker.py", PORT, "--keep", int(knobs["bytes"]))
    stage.wait_for_listener(PORT)
    stage.begin()
    ask(stage, 20)


def warm_up(stage: Stage, knobs: Knobs) -> None:
    stage.program("worker.py", PORT, "--cache", int(knobs["keys"]))
    stage.wait_for_listener(PORT)
    stage.begin()
    ask(stage, 40)


def killed(stage: Stage, _: Knobs) -> None:
    """Whoever supervises it starts it again, as systemd and container engines do."""
    group = stage.cgroup("memory", memory__limit_in_bytes=64 * MEBIBYTE)
    script = (
        f"while :; do {stage.python} {stage.program_path('worker.py')} {PORT} --keep 500000; sleep 1; done"
    )
    stage.start_in(group, "env", "DIAGNOSE_SERVICE=shop", "sh", "-c", script)
    stage.wait_for_listener(PORT)
    stage.begin()
    ask(stage, 20)


def near_its_limit(stage: Stage, _: Knobs) -> None:
    worker_in(stage, 80, "--touch", 50 * MEBIBYTE)
    stage.begin()
    ask(stage, 40)


def reads_again(stage: Stage, knobs: Knobs) -> None:
    data = stage.file(int(knobs["mebibytes"]))
    worker_in(stage, int(knobs["limit"]), "--read", data, "--pages", 64)
    stage.begin()
    ask(stage, 100, 8)


def reads_once(stage: Stage, _: Knobs) -> None:
    """Its page cache fills the group, and nobody misses what goes."""
    data = stage.on_disk() / "data"
    with data.open("wb") as file:
        file.truncate(8192 * MEBIBYTE)
    worker_in(stage, 80, "--touch", 20 * MEBIBYTE)
    stage.begin()
    ask(stage, 40)
    group = next(iter(stage.cgroups))
    read = f"dd if={data} of=/dev/null bs=1M 2>/dev/null"
    stage.start("sh", "-c", f"echo $$ > /sys/fs/cgroup/memory{group}/cgroup.procs; {read}")


def thrash(stage: Stage, knobs: Knobs) -> None:
    stage.swap(512)
    worker_in(stage, int(knobs["limit"]), "--touch", int(knobs["mebibytes"]) * MEBIBYTE, "--pages", 64)
    stage.begin()
    ask(stage, 100, 8)


def old_pages(stage: Stage, _: Knobs) -> None:
    stage.swap(512)
    stage.program("worker.py", PORT, "--at-rest", 200 * MEBIBYTE, "--touch", 20 * MEBIBYTE)
    stage.wait_for_listener(PORT)
    stage.begin()
    ask(stage, 40)


CASES = [
    Case(
        name="memory-leak",
        family="memory",
        story="A service keeps something of each request.",
        fix="A bound for what is kept.",
        truth=("memory.leak",),
        play=leak,
        intensities={"slow": {"bytes": 50_000}, "fast": {"bytes": 400_000}},
        patience_seconds=60.0,
    ),
    Case(
        name="cache-warm-up",
        family="memory",
        story="A cache fills up with what is asked for, and then has it all.",
        fix="",
        truth=(),
        play=warm_up,
        intensities={"usual": {"keys": 500}},
        patience_seconds=60.0,
        lookalike_of="memory-leak",
    ),
    Case(
        name="killed-for-memory",
        family="memory",
        story="A service grows past its group's limit, is killed and started again.",
        fix="A higher limit, or the leak.",
        truth=("memory.oom_kill",),
        play=killed,
    ),
    Case(
        name="near-its-limit",
        family="memory",
        story="A service has most of what its group may have, and needs no more.",
        fix="",
        truth=(),
        play=near_its_limit,
        lookalike_of="killed-for-memory",
    ),
    Case(
        name="small-memory-limit",
        family="memory",
        story="A service reads a file over and over that does not fit into its group's memory.",
        fix="A higher limit.",
        truth=("memory.cgroup_limit",),
        play=reads_again,
        intensities={"half": {"mebibytes": 96, "limit": 48}, "tenth": {"mebibytes": 400, "limit": 40}},
    ),
    Case(
        name="reads-a-large-file-once",
        family="memory",
        story="A group is full of page cache that nobody will need again.",
        fix="",
        truth=(),
        play=reads_once,
        lookalike_of="small-memory-limit",
    ),
    Case(
        name="swap-thrash",
        family="memory",
        story="A service works with more memory than it may have, and the rest is in swap.",
        fix="More memory.",
        truth=("memory.swapping",),
        play=thrash,
        intensities={"half": {"mebibytes": 120, "limit": 60}},
        needs=("mkswap", "swapon"),
        alone=True,
    ),
    Case(
        name="old-pages-in-swap",
        family="memory",
        story="Memory that was used once lies in swap, and nobody wants it.",
        fix="",
        truth=(),
        play=old_pages,
        needs=("mkswap", "swapon"),
        lookalike_of="swap-thrash",
        alone=True,
    ),
]
