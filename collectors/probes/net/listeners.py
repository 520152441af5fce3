"""Accept queues of TCP listeners, read every second over inet_diag: a burst fills a queue for less than that.

The kernel tells the control group (v2) that a socket was opened in, whoever may look at its process: where no owner is
to be seen, that names the service.
"""

from __future__ import annotations

from collections.abc import Container, Iterable, Iterator, Mapping
from dataclasses import dataclass

from collectors.kernel import cgroups
from collectors.kernel.sockdiag import KeptSockDiag, Listener
from collectors.probe import Cost, Host, Metric
from collectors.probes.net import owners, reuseport
from collectors.processes import workload
from collectors.readings import Labels, count, gauge
from collectors.wire import ProbeStatus, Sample

LENGTH = "listener_accept_queue_length"
LIMIT = "listener_accept_queue_limit"
DROPS = "listener_drops_total"
INFO = "listener_info"
OWNERS_STATUS = "listeners.owners"
_LABELS = ("listener", "pid", "service", "netns")
METRICS = (
    Metric(
        LENGTH,
        "",
        "Connections that wait for accept(); of several sockets of one process, the fullest.",
        _LABELS,
    ),
    Metric(
        LIMIT,
        "",
        "The smaller of the backlog that listen() asked for and somaxconn then; full is a length above it.",
        _LABELS,
    ),
    Metric(
        DROPS, "", "Connections and handshakes that the listener dropped, for whatever reason.", _LABELS, True
    ),
    Metric(INFO, "", "Always 1; the labels tell whose the listener is.", (*_LABELS, "cgroup")),
    *reuseport.METRICS,
)
# Past so many listeners, those with an empty queue are told every tenth second only.
CROWD = 100
CROWD_PASSES = 10
INFO_PASSES = 60


@dataclass(slots=True)
class _Queue:
    length: int
    limit: int
    drops: float

    def add(self, listener: Listener, drops: float) -> None:
        """Sockets of one address in one process (SO_REUSEPORT): one full queue drops while others are empty."""
        if listener.queued * max(self.limit, 1) > self.length * max(listener.limit, 1):
            self.length, self.limit = listener.queued, listener.limit
        self.drops += drops


class Queues:
    """Listeners of one network namespace, turned into samples. `unowned` are those nobody was found for."""

    def __init__(self, netns: str = "") -> None:
        self._netns = netns
        self._told: dict[int, int] | None = None
        self._passes = 0
        self._members = reuseport.Queues(netns)
        self._groups = cgroups.Ids()
        self.unowned: list[str] = []

    def samples(self, host: Host, listeners: list[Listener]) -> Iterator[Sample]:
        """Length, limit and drops of each; a listener whose owner was not looked for yet comes a little later."""
        known = owners.of(host.proc).look_up(self._netns, {listener.inode for listener in listeners})
        drops = self._increases(listeners, known)
        queues: dict[Labels, _Queue] = {}
        groups: dict[Labels, str] = {}
        counted: set[Labels] = set()
        for listener in listeners:
            owner = known.get(listener.inode)
            if owner is None:
                continue
            group = self._groups.path(host.sys, listener.cgroup) if listener.cgroup else ""
            labels = self._labels(host, listener, owner, group)
            groups[labels] = group
            if listener.inode in drops:
                counted.add(labels)
            if labels in queues:
                queues[labels].add(listener, drops.get(listener.inode, 0.0))
            else:
                queues[labels] = _Queue(listener.queued, listener.limit, drops.get(listener.inode, 0.0))
        self.unowned = sorted(dict(key)["listener"] for key in queues if "pid" not in dict(key))
        if self._passes % INFO_PASSES == 0:
            yield from _infos(host.now_ns, groups)
        yield from self._samples_of(host.now_ns, queues, counted)
        yield from self._members.samples(host, listeners, known, drops)

    def _increases(self, listeners: list[Listener], known: Container[int]) -> dict[int, float]:
        """Drops not told yet, by inode, of those whose owner is known: the others' are kept for later.

        The first pass only marks where counting begins. A listener that appears afterwards dropped everything since
        then: the kernel counts from 0 for a new socket. A smaller number than before is another socket's.
        """
        drops = {at.inode: at.drops for at in listeners if at.drops is not None}
        if self._told is None:
            self._told = drops
            return {}
        before = {inode: self._told.get(inode, 0) for inode in drops}
        self._told = {inode: drops[inode] if inode in known else before[inode] for inode in drops}
        return {
            inode: float(total - before[inode] if total >= before[inode] else total)
            for inode, total in drops.items()
            if inode in known
        }

    def _samples_of(
        self, now_ns: int, queues: dict[Labels, _Queue], counted: set[Labels]
    ) -> Iterator[Sample]:
        everyone = len(queues) <= CROWD or self._passes % CROWD_PASSES == 0
        self._passes += 1
        for key, queue in queues.items():
            if not everyone and not queue.length and not queue.drops:
                continue
            labels = dict(key)
            yield gauge(LENGTH, now_ns, queue.length, labels)
            yield gauge(LIMIT, now_ns, queue.limit, labels)
            if key in counted:
                yield count(DROPS, now_ns, queue.drops, labels)

    def _labels(self, host: Host, listener: Listener, owner: owners.Owner, group: str) -> Labels:
        """What is not known is left out: the owner of another user's socket, the host's own namespace."""
        process = owner.process
        service = process.service if process else workload.name({"": group}, {}, host.proc) if group else ""
        pairs: Iterable[tuple[str, str]] = (
            ("listener", listener.name),
            ("pid", str(process.pid) if process else ""),
            ("service", service),
            ("netns", self._netns),
        )
        return tuple(pair for pair in pairs if pair[1])


def _infos(now_ns: int, groups: Mapping[Labels, str]) -> Iterator[Sample]:
    for labels, group in groups.items():
        yield gauge(INFO, now_ns, 1, {**dict(labels), **({"cgroup": group} if group else {})})


class Listeners:
    """Accept queues of the host's own network namespace."""

    NAME = "listeners"
    COST: Cost = "cheap"
    INTERVAL_SECONDS = 1.0
    METRICS: tuple[Metric, ...] = METRICS

    def __init__(self) -> None:
        self._kept = KeptSockDiag()
        self._queues = Queues()

    def collect(self, host: Host) -> Iterator[Sample]:
        """Other namespaces are read by the probe `namespaces`."""
        with self._kept.opened() as diag:
            found = diag.listeners()
        yield from self._queues.samples(host, found)
        yield self._owners_found(owners.of(host.proc).hidden_processes)

    def _owners_found(self, hidden: int) -> ProbeStatus:
        """A status of its own, since the queues themselves are read well."""
        unowned, reason = self._queues.unowned, ""
        if unowned:
            reason = (
                f"nobody was found who holds {', '.join(unowned[:5])}{' …' if len(unowned) > 5 else ''}: it is the "
                f"kernel's, or of one of the {hidden} processes that only root with CAP_SYS_PTRACE may look at"
            )
        return ProbeStatus(OWNERS_STATUS, not (unowned and hidden), reason, 0.0, 0)
