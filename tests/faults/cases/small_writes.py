"""Nagle's algorithm and delayed acknowledgements, and a slow handler that looks like them."""

from __future__ import annotations

from tests.faults.case import Advice, Case, Knobs
from tests.faults.stage import Stage

PORT = 7701


def requests(stage: Stage, knobs: Knobs) -> None:
    stage.program("two_writes.py", "serve", PORT, "--work", knobs.get("work", 0))
    stage.wait_for_listener(PORT)
    stage.begin()
    flags = ["--at-once"] if knobs.get("at_once") else []
    stage.program("two_writes.py", "ask", PORT, "--connections", int(knobs["connections"]), *flags)


def write_at_once(stage: Stage, _: Advice) -> None:
    stage.restart("two_writes.py", "ask", more=["--at-once"])


CASES = [
    Case(
        name="two-small-writes",
        family="small-writes",
        story="Each request is two small writes: the second waits for the delayed ACK of the first.",
        fix="TCP_NODELAY, or one write.",
        truth=("network.delayed_ack_nagle",),
        play=requests,
        follow=write_at_once,
        intensities={"few": {"connections": 2}, "many": {"connections": 12}},
    ),
    Case(
        name="handler-of-40-ms",
        family="small-writes",
        story="Requests in one write, and a handler that takes 40 ms.",
        fix="",
        truth=(),
        play=requests,
        intensities={"usual": {"connections": 4, "work": 0.04, "at_once": 1}},
        lookalike_of="two-small-writes",
    ),
]
