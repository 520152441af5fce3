"""UDP sockets that overflow."""

from __future__ import annotations

import re

from tests.faults.case import Advice, Case, Knobs
from tests.faults.stage import Stage

PORT = 7501


def overflow(stage: Stage, knobs: Knobs) -> None:
    stage.program("datagrams.py", "receive", PORT, "--work", knobs["work"], "--buffer", int(knobs["buffer"]))
    stage.begin()
    stage.program("datagrams.py", "send", PORT, "--burst", int(knobs["burst"]), "--every", knobs["every"])


def set_the_buffer(stage: Stage, advice: Advice) -> None:
    """As it says: setsockopt(SO_RCVBUF, so much)."""
    size = re.findall(r"SO_RCVBUF, (\d+)", advice["proposed"])[0]
    stage.restart("datagrams.py", "receive", without=["--buffer"], more=["--buffer", size])


CASES = [
    Case(
        name="udp-slow-reader",
        family="datagrams",
        story="Datagrams come faster than their reader works them off.",
        fix="A faster reader, or more of them.",
        truth=("network.udp_receive_overflow",),
        play=overflow,
        intensities={"usual": {"work": 0.004, "buffer": 0, "burst": 40, "every": 0.1}},
    ),
    Case(
        name="udp-burst",
        follow=set_the_buffer,
        family="datagrams",
        story="The reader is idle, but a burst is larger than its buffer.",
        fix="A larger receive buffer.",
        truth=("network.udp_receive_overflow",),
        play=overflow,
        intensities={
            "default": {"work": 0, "buffer": 0, "burst": 1500, "every": 1.0},
            "small": {"work": 0, "buffer": 8192, "burst": 60, "every": 0.5},
        },
    ),
    Case(
        name="udp-with-room",
        family="datagrams",
        story="Bursts that fit into the buffer.",
        fix="",
        truth=(),
        play=overflow,
        intensities={"usual": {"work": 0, "buffer": 0, "burst": 50, "every": 0.2}},
        lookalike_of="udp-burst",
    ),
]
