"""What event loops are woken for, by service: how many events an epoll_wait() returns, how often accept() finds none.

Many wakeups of one event each make a loop dear; many accepts in vain are several processes woken for one connection
(a thundering herd).
"""

from __future__ import annotations

import struct
from collections.abc import Iterator, Mapping
from functools import partial

from collectors.ebpf.cells import Cell, by_kind
from collectors.probe import Host, Metric
from collectors.probes.ebpf import tally
from collectors.probes.ebpf.packed import Packed
from collectors.probes.ebpf.services import service_of
from collectors.readings import Labels, count
from collectors.wire import Points, Sample

WAKEUPS = "epoll_wakeups_total"
EVENTS = "epoll_events_total"
ATTEMPTS = "accept_attempts_total"
# As the program numbers them. No events: the time was up, or the program only looked.
CLASSES = ("0", "1", "2-3", "4-7", "8-15", "16-31", "32-63", "64 or more")
_WOKEN = 0
_RESULTS = ((1, "accepted"), (2, "nothing"))
_GROUP = struct.Struct("<I")


class Wakeups(Packed):
    """Cost: up to 0.5 µs each of these calls, and 5-9 ns each other system call of the host while any is traced."""

    NAME = "wakeups"
    METRICS: tuple[Metric, ...] = (
        Metric(WAKEUPS, "", "Returns of epoll_wait(), by the number of events.", ("service", "events"), True),
        Metric(EVENTS, "", "Events that epoll_wait() returned.", ("service",), True),
        Metric(
            ATTEMPTS,
            "",
            "Calls of accept(), by whether there was a connection (accepted) or not any more (nothing).",
            ("service", "result"),
            True,
        ),
        *tally.ACCOUNT,
    )

    def told(self, host: Host, cells: list[Cell]) -> Iterator[Sample]:
        woken = tally.tallies(by_kind(cells, _WOKEN), partial(_labels, host))
        yield from _wakeups(host.now_ns, woken)
        for kind, result in _RESULTS:
            found = tally.tallies(by_kind(cells, kind), partial(_labels, host))
            for labels, each in found.items():
                yield count(ATTEMPTS, host.now_ns, each.count, {**dict(labels), "result": result})


def _wakeups(now_ns: int, woken: Mapping[Labels, tally.Tally]) -> Iterator[Points]:
    for labels, each in woken.items():
        yield count(EVENTS, now_ns, each.sum_ns, dict(labels))  # what the program adds up here are events
        for number, wakeups in each.buckets.items():
            yield count(WAKEUPS, now_ns, wakeups, {**dict(labels), "events": CLASSES[number]})


def _labels(host: Host, group: bytes) -> Labels:
    (pid,) = _GROUP.unpack(group)
    return (("service", service_of(host.proc, pid)),)
