"""Local ports of outgoing connections, and what TIME_WAIT has to do with them."""

from __future__ import annotations

from tests.faults.case import Advice, Case, Knobs
from tests.faults.stage import Stage

FIRST_PORT = 7101
_FIRST_LOCAL = 32768


def settings(stage: Stage, knobs: Knobs) -> None:
    """A narrow range, so that the fault shows within seconds instead of after 28,000 connections."""
    stage.sysctl("net.ipv4.tcp_tw_reuse", 0)
    if "ports" in knobs:
        last = _FIRST_LOCAL + int(knobs["ports"]) - 1
        stage.sysctl("net.ipv4.ip_local_port_range", f"{_FIRST_LOCAL} {last}")
    if "buckets" in knobs:
        stage.sysctl("net.ipv4.tcp_max_tw_buckets", int(knobs["buckets"]))


def one_destination(stage: Stage, knobs: Knobs) -> None:
    stage.program("server.py", FIRST_PORT)
    stage.wait_for_listener(FIRST_PORT)
    stage.begin()
    stage.program("client.py", f"127.0.0.1:{FIRST_PORT}", "--rate", knobs["rate"])


def spread(stage: Stage, knobs: Knobs) -> None:
    """As many connections, but each destination has all local ports to itself."""
    ports = range(FIRST_PORT, FIRST_PORT + int(knobs["destinations"]))
    stage.program("server.py", *ports)
    stage.wait_for_listener(ports[-1])
    stage.begin()
    stage.program("client.py", *(f"127.0.0.1:{port}" for port in ports), "--rate", knobs["rate"])


def keep_connections(stage: Stage, _: Advice) -> None:
    stage.restart("client.py", without=["--rate"], more=["--kept", 10, "--pause", 0.1])


CASES = [
    Case(
        name="ports-exhausted",
        follow=keep_connections,
        family="ports",
        story="A client without a pool connects to one destination until all local ports wait in TIME_WAIT.",
        fix="Keep connections; else tcp_tw_reuse=1 or a wider range.",
        truth=("network.ephemeral_port_exhaustion",),
        play=one_destination,
        set_up=settings,
        intensities={"narrow": {"ports": 200, "rate": 20}, "wide": {"ports": 1000, "rate": 90}},
        smoke=True,
    ),
    Case(
        name="time-wait-spread",
        family="ports",
        story="As many connections in TIME_WAIT, spread over destinations that each have the range to themselves.",
        fix="",
        truth=(),
        play=spread,
        set_up=settings,
        intensities={"spread": {"ports": 1000, "rate": 40, "destinations": 20}},
        lookalike_of="ports-exhausted",
    ),
    Case(
        name="time-wait-with-ports-to-spare",
        family="ports",
        story="Thousands of connections in TIME_WAIT to one destination, and a range of 28,000 ports.",
        fix="",
        truth=(),
        play=one_destination,
        set_up=settings,
        intensities={"usual": {"rate": 60}},
        lookalike_of="ports-exhausted",
        smoke=True,
    ),
    Case(
        name="time-wait-buckets",
        follow=keep_connections,
        family="ports",
        story="More connections end than tcp_max_tw_buckets lets wait: the kernel skips TIME_WAIT for the rest.",
        fix="A higher tcp_max_tw_buckets, or fewer, longer connections.",
        truth=("network.time_wait_overflow",),
        play=one_destination,
        set_up=settings,
        intensities={"few": {"buckets": 100, "rate": 30}, "more": {"buckets": 500, "rate": 60}},
        lookalike_of="ports-exhausted",
    ),
]
