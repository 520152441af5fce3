"""The queue of half-open connections, filled by a flood, with SYN cookies on and off."""

from __future__ import annotations

from tests.faults.case import Case, Knobs
from tests.faults.stage import Stage

PORT = 7201


def cookies(stage: Stage, knobs: Knobs) -> None:
    stage.sysctl("net.ipv4.tcp_syncookies", int(knobs["cookies"]))


def flood(stage: Stage, knobs: Knobs) -> None:
    path = stage.path()
    stage.here.call("ip", "route", "add", "10.98.0.0/16", "dev", "path0")
    stage.program("server.py", PORT, "--host", "0.0.0.0", "--backlog", int(knobs["backlog"]))
    stage.wait_for_listener(PORT)
    stage.program("client.py", f"127.0.0.1:{PORT}", "--rate", 5)
    stage.begin()
    stage.program("flood.py", "10.99.0.1", PORT, knobs["rate"], where=path.there)


def a_few_scans(stage: Stage, _: Knobs) -> None:
    """SYNs that nobody finishes, but far fewer than the queue holds."""
    path = stage.path()
    stage.here.call("ip", "route", "add", "10.98.0.0/16", "dev", "path0")
    stage.program("server.py", PORT, "--host", "0.0.0.0")
    stage.wait_for_listener(PORT)
    stage.program("client.py", f"127.0.0.1:{PORT}", "--rate", 5)
    stage.begin()
    stage.program("flood.py", "10.99.0.1", PORT, 50, where=path.there)


CASES = [
    Case(
        name="syn-flood-cookies-on",
        family="syn-queue",
        story="SYNs that nobody finishes fill the queue of half-open connections; cookies let customers in.",
        fix="Filtering in front; cookies stay on.",
        truth=("network.syn_queue_overflow",),
        play=flood,
        set_up=cookies,
        intensities={
            "weak": {"cookies": 1, "backlog": 64, "rate": 150},
            "strong": {"cookies": 1, "backlog": 256, "rate": 800},
        },
    ),
    Case(
        name="syn-flood-cookies-off",
        family="syn-queue",
        story="The same without cookies: customers are not let in any more.",
        fix="net.ipv4.tcp_syncookies=1",
        truth=("network.syn_queue_overflow",),
        play=flood,
        set_up=cookies,
        intensities={
            "weak": {"cookies": 0, "backlog": 64, "rate": 150},
            "strong": {"cookies": 0, "backlog": 256, "rate": 800},
        },
        lookalike_of="burst-over-backlog",
        smoke=True,
    ),
    Case(
        name="a-few-scans",
        family="syn-queue",
        story="Some SYNs a second that nobody finishes, and a queue that holds them.",
        fix="",
        truth=(),
        play=a_few_scans,
        lookalike_of="syn-flood-cookies-on",
    ),
]
