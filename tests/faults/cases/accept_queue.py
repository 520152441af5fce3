"""The accept queue: too short for bursts, or behind an acceptor that does not come round to it."""

from __future__ import annotations

from tests.faults.case import Advice, Case, Knobs
from tests.faults.stage import ROOT, Stage

PORT = 7001
SHOP = str(ROOT / "tests/fixtures/windows/service.py")
CUSTOMERS = str(ROOT / "tests/fixtures/windows/clients.py")


def burst_over_backlog(stage: Stage, knobs: Knobs) -> None:
    stage.program("server.py", PORT, "--backlog", int(knobs["backlog"]))
    stage.wait_for_listener(PORT)
    stage.begin()
    stage.program("client.py", f"127.0.0.1:{PORT}", "--burst", int(knobs["burst"]), "--every", 3)


def ask_for_more(stage: Stage, advice: Advice) -> None:
    stage.restart("server.py", without=["--backlog"], more=["--backlog", advice["proposed"]])


def slow_acceptor(stage: Stage, _: Knobs) -> None:
    stage.program(SHOP, "slow_acceptor", PORT)
    stage.wait_for_listener(PORT)
    stage.begin()
    stage.program(CUSTOMERS, PORT, "steady", 40, 10, 0)


def out_of_files(stage: Stage, knobs: Knobs) -> None:
    stage.program("server.py", PORT, "--backlog", 64, "--open-files", int(knobs["files"]))
    stage.wait_for_listener(PORT)
    stage.begin()
    stage.program("client.py", f"127.0.0.1:{PORT}", "--rate", knobs["rate"], "--pause", 3600)


def shop(stage: Stage, _: Knobs) -> None:
    """Open before the collector starts, as services are: its stacks are sampled in rounds of twenty seconds."""
    stage.program(SHOP, "healthy", PORT)
    stage.wait_for_listener(PORT)


def gil(stage: Stage, _: Knobs) -> None:
    stage.program(CUSTOMERS, PORT, "steady", 8, 200_000, 0)


def burst_with_room(stage: Stage, _: Knobs) -> None:
    stage.program("server.py", PORT, "--backlog", 1024)
    stage.wait_for_listener(PORT)
    stage.begin()
    stage.program("client.py", f"127.0.0.1:{PORT}", "--burst", 150, "--every", 3)


CASES = [
    Case(
        name="burst-over-backlog",
        family="accept-queue",
        story="A listener asked for a short queue, and more customers than fit in it come at the same moment.",
        fix="A larger backlog where the program calls listen().",
        truth=("network.accept_queue_overflow",),
        play=burst_over_backlog,
        follow=ask_for_more,
        intensities={"small": {"backlog": 8, "burst": 60}, "large": {"backlog": 64, "burst": 400}},
        smoke=True,
    ),
    Case(
        name="slow-acceptor",
        family="accept-queue",
        story="The thread that accepts also serves, 20 ms each, and forty customers ask all the time.",
        fix="More acceptors, or the work in other threads.",
        truth=("app.acceptor_stalled",),
        play=slow_acceptor,
        lookalike_of="burst-over-backlog",
    ),
    Case(
        name="acceptor-out-of-files",
        family="accept-queue",
        story="Every connection is kept, until accept() fails for want of descriptors and the queue fills.",
        fix="A higher limit of open files, or fewer connections.",
        truth=("limits.process_fds",),
        play=out_of_files,
        intensities={"few": {"files": 128, "rate": 15}, "more": {"files": 512, "rate": 60}},
        lookalike_of="burst-over-backlog",
    ),
    Case(
        name="acceptor-behind-gil",
        family="accept-queue",
        story="Eight customers ask for CPU-bound Python at once: one thread runs, the others wait for the lock.",
        fix="Processes, or a cheaper function.",
        truth=("python.gil_contention", "app.hot_function"),
        play=gil,
        set_up=shop,
        patience_seconds=60.0,
    ),
    Case(
        name="burst-with-room",
        family="accept-queue",
        story="150 customers at the same moment, and a queue that has room for them.",
        fix="",
        truth=(),
        play=burst_with_room,
        lookalike_of="burst-over-backlog",
    ),
]
