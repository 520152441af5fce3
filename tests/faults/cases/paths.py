"""The way to the peer: lossy, long, or with a long queue at its narrow end."""

from __future__ import annotations

import time

from tests.faults.case import Case, Knobs
from tests.faults.stage import Stage

PORT = 7601
_HEALTHY_SECONDS = 8.0


def loss(stage: Stage, knobs: Knobs) -> None:
    path = stage.path(delay_seconds=0.005)
    stage.program("bulk.py", "receive", f"10.99.0.2:{PORT}", where=path.there)
    stage.program("bulk.py", "send", f"10.99.0.2:{PORT}", "--pause", 0.01)
    time.sleep(_HEALTHY_SECONDS)
    stage.begin()
    path.loss = knobs["loss"]


def farther_away(stage: Stage, knobs: Knobs) -> None:
    """The route changes while clients talk to a server there."""
    path = stage.path(delay_seconds=0.001)
    stage.program("server.py", PORT, "--host", "10.99.0.2", where=path.there)
    time.sleep(1)
    stage.program("client.py", f"10.99.0.2:{PORT}", "--kept", 10, "--pause", 0.05)
    time.sleep(_HEALTHY_SECONDS + 12)
    stage.begin()
    path.delay_seconds = knobs["delay"]


def narrow_end(stage: Stage, knobs: Knobs) -> None:
    path = stage.path(delay_seconds=0.002)
    stage.program("server.py", PORT, "--host", "10.99.0.2", where=path.there)
    stage.program("bulk.py", "receive", f"10.99.0.2:{PORT + 1}", where=path.there)
    time.sleep(1)
    stage.program("client.py", f"10.99.0.2:{PORT}", "--kept", 10, "--pause", 0.05)
    time.sleep(_HEALTHY_SECONDS)
    stage.begin()
    path.bytes_per_second = knobs["rate"]
    stage.program("bulk.py", "send", f"10.99.0.2:{PORT + 1}")


def slow_application(stage: Stage, _: Knobs) -> None:
    """The peer answers late; the way there is short."""
    path = stage.path(delay_seconds=0.001)
    stage.program("server.py", PORT, "--host", "10.99.0.2", "--delay", 0.15, where=path.there)
    time.sleep(1)
    stage.program("client.py", f"10.99.0.2:{PORT}", "--kept", 10, "--pause", 0.05)
    stage.begin()


CASES = [
    Case(
        name="packet-loss",
        family="paths",
        story="A transfer loses packets on its way.",
        fix="The path; a congestion control that takes loss less to heart.",
        truth=("network.packet_loss",),
        play=loss,
        intensities={"one": {"loss": 0.01}, "five": {"loss": 0.05}},
        smoke=True,
    ),
    Case(
        name="farther-away",
        family="paths",
        story="The round trip to a server grows from 2 to 80 ms, without any queue.",
        fix="A nearer server, fewer round trips.",
        truth=("network.high_rtt",),
        play=farther_away,
        intensities={"80ms": {"delay": 0.04}, "300ms": {"delay": 0.15}},
    ),
    Case(
        name="bufferbloat",
        family="paths",
        story="A bulk transfer fills the long queue of a narrow path, and everybody waits in it.",
        fix="fq_codel at the narrow end, or a paced congestion control.",
        truth=("network.high_rtt",),
        play=narrow_end,
        intensities={"usual": {"rate": 1_000_000}},
        lookalike_of="farther-away",
    ),
    Case(
        name="slow-application",
        family="paths",
        story="The peer takes its time; the round trip is short.",
        fix="",
        truth=(),
        play=slow_application,
        lookalike_of="farther-away",
    ),
]
