"""TCP connections by listener and by destination, every ten seconds, from one dump over inet_diag.

A connection is a listener's when its own port is one that is listened on; else it was opened here, and belongs to its
destination. The largest of each side are told by name, the rest as `other`. Connections that begin and end between two
passes are seen as TIME_WAIT only.
"""

from __future__ import annotations

import socket
from collections import Counter
from collections.abc import Iterator
from itertools import compress, repeat
from operator import ne
from typing import Any

from collectors.kernel import tcpinfo
from collectors.kernel.connections import CLOSE_WAIT, STATES, TIME_WAIT, Connection, Heads, Run, endpoint
from collectors.kernel.sockdiag import KeptSockDiag, Listener, SockDiag
from collectors.probe import Cost, Host, Metric
from collectors.probes.net import closewait, traffic
from collectors.probes.net.traffic import Traffic
from collectors.readings import gauge
from collectors.wire import Sample

METRICS = (
    Metric(
        "tcp_connection_states", "", "TCP connections of a network namespace by state.", ("netns", "state")
    ),
    *traffic.METRICS,
    *closewait.METRICS,
)
MOST_LISTENERS = 16
MOST_DESTINATIONS = 32
# Past so many, new ones are `other` at once: a crawler has a destination for each connection.
MOST_KEPT = 512
# The kernel walks its table of all connections once more for those in TIME_WAIT. Among the others each of them ends a
# run of messages laid out alike, so that only few may be.
MOST_TOGETHER = 128
OTHER = "other"
_WILDCARD = bytes(16)

_Key = tuple[int, int, bytes]  # family, port in network byte order, address


class _Side:
    """Listeners, or destinations."""

    def __init__(self) -> None:
        self.groups: dict[_Key, Traffic] = {}
        self.rest = Traffic()

    def of(self, key: _Key) -> Traffic:
        group = self.groups.get(key)
        if group is None:
            if len(self.groups) >= MOST_KEPT:
                return self.rest
            group = self.groups[key] = Traffic()
        return group

    def largest(self, names: dict[_Key, str], most: int) -> dict[str, Traffic]:
        """The largest by name, and all others together."""
        merged: dict[str, Traffic] = {}
        for key, group in self.groups.items():
            if group.size:
                name = names.get(key) or names.get((*key[:2], _WILDCARD))
                name = name or endpoint(key[0], key[2], socket.ntohs(key[1]))
                merged.setdefault(name, Traffic()).add(group)
        told = dict(sorted(merged.items(), key=lambda item: item[1].size, reverse=True)[:most])
        other = Traffic()
        for group in (self.rest, *(group for name, group in merged.items() if name not in told)):
            other.add(group)
        return {**told, OTHER: other} if other.size else told

    def clear(self) -> None:
        """Begin the next pass: those that had a socket in the last are kept, empty."""
        self.groups = {key: group for key, group in self.groups.items() if group.size}
        for group in (*self.groups.values(), self.rest):
            group.clear()


class _Known:
    """By cookie what was last measured on each connection, and its group."""

    def __init__(self) -> None:
        self.measured: dict[int, bytes] = {}
        self.groups: dict[int, Traffic] = {}

    def keep(self, cookies: list[int]) -> None:
        """Forget all others."""
        if len(cookies) != len(self.groups):
            alive = set(cookies)
            for kept in (self.measured, self.groups):
                for cookie in kept.keys() - alive:
                    del kept[cookie]


class Table:
    """The connections of one network namespace, over time."""

    def __init__(self, netns: str = "") -> None:
        self._labels = {"netns": netns} if netns else {}
        self._inbound, self._outbound = _Side(), _Side()
        self._ports: set[int] = set()
        self._known: _Known | None = None
        self._apart = True
        self._close_wait = closewait.CloseWait(netns)

    def samples(self, host: Host, diag: SockDiag, listeners: list[Listener]) -> Iterator[Sample]:
        """Reads all sockets once. NoData when the kernel refuses."""
        counted = self._known is not None
        for side in (self._inbound, self._outbound):
            side.clear()
        self._ports = {socket.htons(listener.port) for listener in listeners}
        closing = self._read(diag)
        names = {(at.family, socket.htons(at.port), at.address): at.name for at in listeners}
        sides = (
            ("listener", self._inbound.largest(names, MOST_LISTENERS)),
            ("dst", self._outbound.largest({}, MOST_DESTINATIONS)),
        )
        yield from self._states(host.now_ns, [group for _, groups in sides for group in groups.values()])
        for label, groups in sides:
            for name, group in groups.items():
                yield from group.samples(host.now_ns, {label: name, **self._labels}, counted)
        yield from self._close_wait.samples(host, closing)

    def _read(self, diag: SockDiag) -> dict[int, int]:
        """Fill the groups; the inode by cookie of what is in CLOSE_WAIT."""
        known = self._known = self._known or _Known()
        closing: dict[int, int] = {}
        alive: list[int] = []
        for run in diag.connections(time_waits=not self._apart):
            heads = run.heads()
            if heads is None:
                self._count_few(run)
            else:
                self._add(run, heads, known)
                alive += heads.cookies
                closing |= _closing(run, heads)
        known.keep(alive)
        if self._apart:
            for run in diag.time_waits():
                self._count_few(run)
        return closing

    def _count_few(self, run: Run) -> None:
        """What the kernel measured nothing of."""
        for row in run.rows():
            if row[1] == TIME_WAIT:
                self._group(row).time_waits += 1
            else:
                self._group(row).states[row[1]] += 1

    def _group(self, row: tuple[Any, ...]) -> Traffic:
        family, _, port, peer_port, address, peer_address, *_ = row
        if port in self._ports:
            return self._inbound.of((family, port, address))
        return self._outbound.of((family, peer_port, peer_address))

    def _add(self, run: Run, heads: Heads, known: _Known) -> None:
        """The hot part: what is done for every connection runs in the interpreter's C code."""
        states, cookies, queues, flags, measured = heads
        groups: list[Any] = [*map(known.groups.get, cookies)]
        if None in groups:
            groups = [group or self._group(run.row(index)) for index, group in enumerate(groups)]
            known.groups.update(zip(cookies, groups, strict=True))
        last = [*map(known.measured.get, cookies, repeat(tcpinfo.NOTHING))]
        columns = zip(cookies, groups, measured, last, flags, strict=True)
        for cookie, group, new, old, flag in compress(columns, map(ne, measured, last)):
            known.measured[cookie] = new
            group.now.append(new)
            group.before.append(old)
            group.app_limited += flag & 1
        _count_states(groups, states)
        if any(queues):
            for index in compress(range(len(queues)), queues):
                groups[index].add_queues(run.row(index))

    def _states(self, now_ns: int, groups: list[Traffic]) -> Iterator[Sample]:
        for state, name in STATES.items():
            number = sum(group.states[state] for group in groups)
            yield gauge("tcp_connection_states", now_ns, number, {**self._labels, "state": name})
        waiting = sum(group.time_waits for group in groups)
        self._apart = waiting > MOST_TOGETHER
        yield gauge("tcp_connection_states", now_ns, waiting, {**self._labels, "state": "time_wait"})


def _count_states(groups: list[Traffic], states: tuple[int, ...]) -> None:
    first = states[0]
    if states.count(first) == len(states):
        for group, number in Counter(groups).items():
            group.states[first] += number
    else:
        for group, state in zip(groups, states, strict=True):
            group.states[state] += 1


def _closing(run: Run, heads: Heads) -> dict[int, int]:
    """Inode by cookie of what is in CLOSE_WAIT."""
    if CLOSE_WAIT not in heads.states:
        return {}
    rows = (Connection._make(run.row(at)) for at, state in enumerate(heads.states) if state == CLOSE_WAIT)
    return {row.cookie: row.inode for row in rows}


class Connections:
    """TCP connections of the host's own network namespace."""

    NAME = "connections"
    COST: Cost = "moderate"
    INTERVAL_SECONDS = 10.0
    METRICS: tuple[Metric, ...] = METRICS

    def __init__(self) -> None:
        self._kept = KeptSockDiag()
        self._table = Table()

    def collect(self, host: Host) -> Iterator[Sample]:
        """Other namespaces are read by the probe `namespaces`."""
        with self._kept.opened() as diag:
            yield from self._table.samples(host, diag, diag.listeners())
