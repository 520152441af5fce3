"""Sockets and stack counters of other network namespaces (containers), by way of the processes inside them.

Counters are read from /proc/PID/net without entering. Sockets need a netlink socket from inside (setns).
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from collectors.kernel import netns
from collectors.kernel.sockdiag import Listener, SockDiag
from collectors.probe import Cost, Host, Metric, NoData
from collectors.probes.net import connections, listeners, owners, reuseport, udp
from collectors.probes.proc import netstat
from collectors.wire import ProbeStatus, Sample

SEARCH_SECONDS = 15
SEARCH_AGAIN_SECONDS = 5  # at the earliest, when the process through which a namespace was read ended
NETSTAT_SECONDS = 5
CONNECTIONS_SECONDS = 10
MOST_NAMESPACES = 64
_PARTS = ("counters", "queues", "connections", "udp")
UNREAD_STATUS = "namespaces.unread"


class _Inside:
    """What is kept of one namespace while some process lives in it."""

    def __init__(self, namespace: netns.Namespace) -> None:
        self.namespace = namespace
        self.quiet = False
        self.reasons: dict[str, str] = {}
        self._name = str(namespace.inode)
        self._netstat = netstat.Namespace((("netns", self._name),))
        self._queues = listeners.Queues(self._name)
        self._table = connections.Table(self._name)
        self._udp = udp.Table(self._name)
        self._diag: SockDiag | None = None

    def close(self) -> None:
        """An open netlink socket keeps the namespace, and its devices, alive."""
        if self._diag is not None:
            self._diag.close()
            self._diag = None

    def leave(self, root: Path) -> None:
        """For good."""
        self.close()
        owners.of(root).leave(self._name)
        reuseport.of(root).leave(self._name)

    def told(self, part: str, samples: Iterator[Sample]) -> Iterator[Sample]:
        """What cannot be read here must not hide the other parts and namespaces: the reason is kept."""
        self.reasons.pop(part, None)
        try:
            yield from samples
        except NoData as error:
            self.reasons[part] = str(error)

    def counters(self, host: Host) -> Iterator[Sample]:
        """The namespace's netstat and snmp."""
        yield from self._netstat.collect(host, f"{self.namespace.pid}/net")

    def accept_queues(self, host: Host) -> Iterator[Sample]:
        """Its listeners; `quiet` afterwards when there are none or they may not be read."""
        self.quiet = True
        found = self._listeners(host.proc)
        self.quiet = not found
        if self.quiet:
            self.close()
        yield from self._queues.samples(host, found)

    def connections(self, host: Host) -> Iterator[Sample]:
        """Its TCP connections, also where nobody listens."""
        yield from self._table.samples(host, self._sockets(host.proc), self._listeners(host.proc))

    def udp(self, host: Host) -> Iterator[Sample]:
        """Its UDP sockets."""
        yield from self._udp.samples(host, self._sockets(host.proc))
        if self.quiet:
            self.close()

    def _sockets(self, root: Path) -> SockDiag:
        if self._diag is None:
            self._diag = netns.sock_diag_inside(root, self.namespace)
        return self._diag

    def _listeners(self, root: Path) -> list[Listener]:
        try:
            return self._sockets(root).listeners()
        except NoData:
            self.close()
            raise


class Namespaces:
    """The network namespaces of containers and sandboxes on this host."""

    NAME = "namespaces"
    COST: Cost = "moderate"
    INTERVAL_SECONDS = 1.0
    METRICS: tuple[Metric, ...] = (
        *listeners.METRICS,
        *netstat.METRICS,
        *connections.METRICS,
        *udp.METRICS,
    )

    def __init__(self) -> None:
        self._inside: dict[int, _Inside] = {}
        self._searched_ns = 0
        self._next_netstat_ns = 0
        self._next_connections_ns = 0
        self._hidden = ""

    def collect(self, host: Host) -> Iterator[Sample]:
        """Nothing when every process lives in our own namespace; NoData when none of the others can be read.

        What lacks while others are read is told as the status of its own part.
        """
        alive = self._alive(host.proc)
        age_seconds = (host.now_ns - self._searched_ns) / 1e9
        wait_seconds = SEARCH_SECONDS if len(alive) == len(self._inside) else SEARCH_AGAIN_SECONDS
        searched = age_seconds >= wait_seconds
        if searched:
            self._searched_ns = host.now_ns
            self._search(host.proc)
            alive = list(self._inside.values())
        yield from self._samples(host, alive, searched)
        reasons = {self._hidden, *(reason for inside in alive for reason in inside.reasons.values())} - {""}
        if reasons and all(len(inside.reasons) == len(_PARTS) for inside in alive):
            raise NoData("; ".join(sorted(reasons)))
        yield ProbeStatus(UNREAD_STATUS, not reasons, "; ".join(sorted(reasons)), 0.0, 0)

    def _samples(self, host: Host, alive: list[_Inside], searched: bool) -> Iterator[Sample]:
        if host.now_ns >= self._next_netstat_ns:
            self._next_netstat_ns = host.now_ns + NETSTAT_SECONDS * 10**9
            for inside in alive:
                yield from inside.told("counters", inside.counters(host))
        if host.now_ns >= self._next_connections_ns:
            self._next_connections_ns = host.now_ns + CONNECTIONS_SECONDS * 10**9
            for inside in alive:
                yield from inside.told("connections", inside.connections(host))
                yield from inside.told("udp", inside.udp(host))
        for inside in alive:
            if searched or not inside.quiet:  # where nobody listens, only now and then
                yield from inside.told("queues", inside.accept_queues(host))

    def _alive(self, root: Path) -> list[_Inside]:
        """Those whose process is still there; the others' sockets are closed at once."""
        alive = []
        for inode, inside in self._inside.items():
            if netns.inode_of(root, inside.namespace.pid) == inode:
                alive.append(inside)
            else:
                inside.close()
        return alive

    def _search(self, root: Path) -> None:
        found: dict[int, netns.Namespace] = {}
        self._hidden = ""
        try:
            for namespace in netns.others(root):
                if len(found) == MOST_NAMESPACES:
                    raise NoData(f"more than {MOST_NAMESPACES} network namespaces: the others are not read")
                found[namespace.inode] = namespace
        except NoData as error:
            self._hidden = str(error)
        for gone in self._inside.keys() - found.keys():
            self._inside.pop(gone).leave(root)
        for inode, namespace in found.items():
            self._inside.setdefault(inode, _Inside(namespace)).namespace = namespace
