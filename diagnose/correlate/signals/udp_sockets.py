"""UDP sockets that lost datagrams lately, or whose queue is not empty."""

from __future__ import annotations

from dataclasses import dataclass

from diagnose.correlate.samples import Samples, Series

READS = (
    "udp_socket_drops_total",
    "udp_socket_receive_queue_bytes",
    "udp_socket_receive_buffer_used_ratio",
    "netstat_Udp_InDatagrams",
)
FACTS = ("sysctl.net.core.rmem_default", "sysctl.net.core.rmem_max")

RECENT_SECONDS = 30.0


@dataclass(frozen=True, slots=True)
class UdpSocket:
    """`drops` of the last `RECENT_SECONDS`, None where none were told; `used` the readings of the share of its buffer
    that was taken, oldest first."""

    listener: str
    service: str
    pid: int | None
    netns: str
    drops: float | None
    used: tuple[float, ...]


@dataclass(frozen=True, slots=True)
class UdpSockets:
    """Sockets that were told lately; empty where UDP is counted and no socket has anything to tell. The settings are
    those of the host."""

    sockets: tuple[UdpSocket, ...]
    default_bytes: int | None
    most_bytes: int | None

    @classmethod
    def derive(cls, samples: Samples) -> UdpSockets | None:
        if not samples.of("netstat_Udp_InDatagrams") and not samples.of(
            "udp_socket_receive_buffer_used_ratio"
        ):
            return None
        begin_ns = samples.end_ns - int(RECENT_SECONDS * 1e9)
        drops = {_key(each): each.since(begin_ns) for each in samples.of("udp_socket_drops_total")}
        found = []
        for each in samples.of("udp_socket_receive_buffer_used_ratio"):
            used, lost = each.since(begin_ns), drops.get(_key(each))
            if len(used.values):
                found.append(_socket(each, lost, tuple(map(float, used.values))))
        numbers = (samples.number(f"sysctl.net.core.rmem_{name}") for name in ("default", "max"))
        return cls(tuple(_owned(found)), *numbers)


def _owned(sockets: list[UdpSocket]) -> list[UdpSocket]:
    """Until its owner was looked up, a socket is told without: the same one once more."""
    known = {(each.listener, each.netns) for each in sockets if each.pid is not None}
    return [each for each in sockets if each.pid is not None or (each.listener, each.netns) not in known]


def _key(series: Series) -> tuple[str, ...]:
    return tuple(series.labels.get(label, "") for label in ("listener", "pid", "service", "netns"))


def _socket(series: Series, lost: Series | None, used: tuple[float, ...]) -> UdpSocket:
    pid = series.labels.get("pid", "")
    return UdpSocket(
        series.labels.get("listener", ""),
        series.labels.get("service", ""),
        int(pid) if pid else None,
        series.labels.get("netns", ""),
        lost.total if lost is not None and len(lost.values) else None,
        used,
    )
