"""TCP connections by listener and by destination, every ten seconds, from one dump over inet_diag.

A connection is a listener's when its own port is one that is listened on; else it was opened here, and belongs to its
destination. The largest of each side are told by name, the rest as `other`. Connections that begin and end between two
passes are seen as TIME_WAIT only.
"""

from __future__ import annotations

import socket
from collections.abc import Iterator
from typing import Any

from collectors.connections import CLOSE_WAIT, NO_TOTALS, STATES, Connection, Run, endpoint
from collectors.probe import Cost, Host, Metric
from collectors.probes.net import closewait, traffic
from collectors.probes.net.traffic import MOST_MEASURED, Traffic
from collectors.readings import gauge
from collectors.sockdiag import KeptSockDiag, Listener, SockDiag
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


# Bytes of the totals and the group, by cookie.
_Seen = dict[int, tuple[bytes, Traffic]]


class Table:
    """The connections of one network namespace, over time."""

    def __init__(self, netns: str = "") -> None:
        self._labels = {"netns": netns} if netns else {}
        self._inbound, self._outbound = _Side(), _Side()
        self._ports: set[int] = set()
        self._seen: _Seen | None = None
        self._close_wait = closewait.CloseWait(netns)

    def samples(self, host: Host, diag: SockDiag, listeners: list[Listener]) -> Iterator[Sample]:
        """Reads all sockets once. NoData when the kernel refuses."""
        counted = self._seen is not None
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
        before, self._seen = self._seen or {}, {}
        closing: dict[int, int] = {}
        for run in diag.connections():
            if run.measured:
                self._read_measured(run, before, self._seen, closing)
            else:
                for row in run.rows():
                    self._group(row).states[row[1]] += 1
        for run in diag.time_waits():
            for row in run.rows():
                self._group(row).time_waits += 1
        return closing

    def _group(self, row: tuple[Any, ...]) -> Traffic:
        family, _, port, peer_port, address, peer_address, *_ = row
        if port in self._ports:
            return self._inbound.of((family, port, address))
        return self._outbound.of((family, peer_port, peer_address))

    def _read_measured(self, run: Run, before: _Seen, now: _Seen, closing: dict[int, int]) -> None:
        """The hot loop: half a microsecond for a connection without traffic, so nothing is called that need not be."""
        for at, (state, cookie, queues, traffic_bytes) in run.heads():
            known = before.get(cookie)
            if known is None:
                known = (NO_TOTALS, self._group(run.row(at)))
            last, group = known
            if last != traffic_bytes:
                if len(group.active) < MOST_MEASURED:
                    group.active.append(run.row(at))
                group.now.append(traffic_bytes)
                group.before.append(last)
                known = (traffic_bytes, group)
            now[cookie] = known
            group.states[state] += 1
            if queues:
                group.add_queues(run.row(at))
            if state == CLOSE_WAIT:
                closing[cookie] = Connection._make(run.row(at)).inode

    def _states(self, now_ns: int, groups: list[Traffic]) -> Iterator[Sample]:
        for state, name in STATES.items():
            number = sum(group.states[state] for group in groups)
            yield gauge("tcp_connection_states", now_ns, number, {**self._labels, "state": name})
        waiting = sum(group.time_waits for group in groups)
        yield gauge("tcp_connection_states", now_ns, waiting, {**self._labels, "state": "time_wait"})


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
