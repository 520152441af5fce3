"""UDP sockets whose queue is not empty or that dropped datagrams, over inet_diag: who reads too slowly."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from collectors.kernel.sockdiag import KeptSockDiag, SockDiag, UdpSocket
from collectors.probe import Cost, Host, Metric
from collectors.probes.net import owners
from collectors.readings import Increases, Labels, count, gauge
from collectors.wire import Sample

_LABELS = ("listener", "pid", "service", "netns")
METRICS = (
    Metric("udp_socket_drops_total", "", "Datagrams dropped: the socket's buffer was full.", _LABELS, True),
    Metric("udp_socket_receive_queue_bytes", "B", "Received and not read yet.", _LABELS),
    Metric(
        "udp_socket_receive_buffer_used_ratio",
        "",
        "Memory of the queue by its limit; drops begin at 1.",
        _LABELS,
    ),
)
MOST_SOCKETS = 16


@dataclass(slots=True)
class _Queue:
    bytes: int = 0
    used: float = 0.0
    drops: float | None = None

    def add(self, found: UdpSocket, drops: float | None) -> None:
        """Sockets of one address in one process (SO_REUSEPORT) count together."""
        self.bytes += found.queued_bytes
        self.used = max(self.used, found.used_bytes / (found.limit_bytes or 1))
        if drops is not None:
            self.drops = (self.drops or 0.0) + drops


class Table:
    """The UDP sockets of one network namespace, over time."""

    def __init__(self, netns: str = "") -> None:
        self._netns = netns
        self._drops: Increases[int] = Increases()

    def samples(self, host: Host, diag: SockDiag) -> Iterator[Sample]:
        """Nothing while all are empty and none drops. NoData without udp_diag."""
        sockets = list(diag.udp_sockets())
        drops = self._drops.since_last({found.inode: found.drops for found in sockets if found.inode})
        troubled = [found for found in sockets if found.used_bytes or drops.get(found.inode)]
        troubled.sort(key=lambda found: (drops.get(found.inode, 0), found.used_bytes), reverse=True)
        chosen = troubled[:MOST_SOCKETS]
        known = owners.of(host.proc).look_up(f"{self._netns} UDP", {found.inode for found in chosen})
        queues: dict[Labels, _Queue] = {}
        for found in chosen:
            series = self._labels(found, known.get(found.inode))
            queues.setdefault(series, _Queue()).add(found, drops.get(found.inode))
        for key, queue in queues.items():
            labels = dict(key)
            if queue.drops is not None:
                yield count("udp_socket_drops_total", host.now_ns, queue.drops, labels)
            yield gauge("udp_socket_receive_queue_bytes", host.now_ns, queue.bytes, labels)
            yield gauge("udp_socket_receive_buffer_used_ratio", host.now_ns, queue.used, labels)

    def _labels(self, found: UdpSocket, owner: owners.Owner | None) -> Labels:
        process = owner.process if owner else None
        pairs = (
            ("listener", found.name),
            ("pid", str(process.pid) if process else ""),
            ("service", process.service if process else ""),
            ("netns", self._netns),
        )
        return tuple(pair for pair in pairs if pair[1])


class Udp:
    """UDP sockets of the host's own network namespace."""

    NAME = "udp"
    COST: Cost = "cheap"
    INTERVAL_SECONDS = 10.0
    METRICS: tuple[Metric, ...] = METRICS

    def __init__(self) -> None:
        self._kept = KeptSockDiag()
        self._table = Table()

    def collect(self, host: Host) -> Iterator[Sample]:
        """Other namespaces are read by the probe `namespaces`."""
        with self._kept.opened() as diag:
            yield from self._table.samples(host, diag)
