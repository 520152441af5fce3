"""What the connections of one listener, or to one destination, have in common: counts, queues and what TCP measured."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from collectors.kernel import tcpinfo
from collectors.kernel.connections import STATE_NUMBERS, STATES, Connection
from collectors.kernel.tcpinfo import Measured
from collectors.probe import Metric
from collectors.readings import count, gauge
from collectors.wire import Points

SIDES = ("listener", "dst", "netns")
_ACTIVE = " Of connections with traffic since the last pass."
COUNTERS = {
    "tcp_retransmits_total": ("", "Segments sent again."),
    "tcp_received_segments_total": ("", "Segments with data that came in."),
    "tcp_sent_segments_total": ("", "Segments with data that were sent."),
    "tcp_busy_seconds_total": ("s", "Time with data to send or under way, summed over connections."),
    "tcp_receive_window_limited_seconds_total": ("s", "Busy time in which the peer's window held data back."),
    "tcp_send_buffer_limited_seconds_total": ("s", "Busy time in which the send buffer held data back."),
}
METRICS = (
    Metric(
        "tcp_connections",
        "",
        "Connections by state; TIME_WAIT, which no process holds, apart.",
        (*SIDES, "state"),
    ),
    Metric("tcp_destination_time_wait", "", "Connections to a destination in TIME_WAIT.", ("dst", "netns")),
    Metric("tcp_listener_time_wait", "", "Connections of a listener in TIME_WAIT.", ("listener", "netns")),
    Metric("tcp_receive_queue_bytes", "B", "Received and not read yet by the process.", SIDES),
    Metric("tcp_send_queue_bytes", "B", "Written and not acknowledged yet by the peer.", SIDES),
    Metric(
        "tcp_receive_buffer_used_ratio", "", "Memory of the receive queue by its limit, the fullest's.", SIDES
    ),
    Metric("tcp_send_buffer_used_ratio", "", "Memory of the send queue by its limit, the fullest's.", SIDES),
    Metric("tcp_active_connections", "", "Connections with traffic since the last pass.", SIDES),
    Metric("tcp_app_limited_ratio", "", "Share of active ones whose sender had nothing more to send.", SIDES),
    Metric("tcp_rtt_median_seconds", "s", "Smoothed round-trip time, the median." + _ACTIVE, SIDES),
    Metric("tcp_rtt_highest_seconds", "s", "Smoothed round-trip time, the highest." + _ACTIVE, SIDES),
    Metric("tcp_min_rtt_seconds", "s", "The least round-trip time ever, the median." + _ACTIVE, SIDES),
    Metric("tcp_delivery_rate_median_bytes_per_second", "B/s", "Delivery rate, the median." + _ACTIVE, SIDES),
    Metric(
        "tcp_receive_space_median_bytes", "B", "Receive space by auto-tuning, the median." + _ACTIVE, SIDES
    ),
    *(Metric(name, unit, text, SIDES, True) for name, (unit, text) in COUNTERS.items()),
)
_COUNTED = (
    tcpinfo.RETRANSMITS,
    tcpinfo.SEGMENTS_IN,
    tcpinfo.SEGMENTS_OUT,
    tcpinfo.BUSY,
    tcpinfo.WINDOW_LIMITED,
    tcpinfo.BUFFER_LIMITED,
)
# Medians are of so many connections: the first in the kernel's table, which a hash has shuffled.
MOST_MEASURED = 256


@dataclass(slots=True, eq=False)
class Traffic:
    """Filled in one pass. `now` and `before` have an entry for each connection with traffic since the last pass."""

    states: list[int] = field(default_factory=lambda: [0] * STATE_NUMBERS)
    time_waits: int = 0
    receive_queue: int = 0
    send_queue: int = 0
    receive_used: float = 0.0
    send_used: float = 0.0
    app_limited: int = 0
    now: list[bytes] = field(default_factory=list)
    before: list[bytes] = field(default_factory=list)

    def clear(self) -> None:
        """Begin another pass; connections go on to name this object."""
        self.__init__()  # type: ignore[misc]

    @property
    def size(self) -> int:
        """Sockets of any state: who is told by name."""
        return sum(self.states) + self.time_waits

    def add_queues(self, row: tuple[Any, ...]) -> None:
        """A connection whose queues are not empty."""
        connection = Connection._make(row)
        self.receive_queue += connection.receive_queue
        self.send_queue += connection.send_queue
        received = connection.receive_memory / (connection.receive_limit or 1)
        self.receive_used = max(self.receive_used, received)
        self.send_used = max(self.send_used, connection.send_memory / (connection.send_limit or 1))

    def add(self, other: Traffic) -> None:
        """Take in what is not told by name."""
        self.states = [mine + others for mine, others in zip(self.states, other.states, strict=True)]
        self.time_waits += other.time_waits
        self.receive_queue += other.receive_queue
        self.send_queue += other.send_queue
        self.receive_used = max(self.receive_used, other.receive_used)
        self.send_used = max(self.send_used, other.send_used)
        self.app_limited += other.app_limited
        self.now += other.now
        self.before += other.before

    def samples(self, now_ns: int, labels: dict[str, str], counted: bool) -> Iterator[Points]:
        """`counted`: not the first pass, which only marks where counting begins."""
        for state, name in STATES.items():
            if self.states[state]:
                yield gauge("tcp_connections", now_ns, self.states[state], {**labels, "state": name})
        side = "destination" if "dst" in labels else "listener"
        yield gauge(f"tcp_{side}_time_wait", now_ns, self.time_waits, labels)
        if not any(self.states):
            return
        yield gauge("tcp_receive_queue_bytes", now_ns, self.receive_queue, labels)
        yield gauge("tcp_send_queue_bytes", now_ns, self.send_queue, labels)
        yield gauge("tcp_receive_buffer_used_ratio", now_ns, self.receive_used, labels)
        yield gauge("tcp_send_buffer_used_ratio", now_ns, self.send_used, labels)
        if counted:
            yield from self._since_last(now_ns, labels)

    def _since_last(self, now_ns: int, labels: dict[str, str]) -> Iterator[Points]:
        yield gauge("tcp_active_connections", now_ns, len(self.now), labels)
        now, before = Measured(self.now), Measured(self.before)
        for (name, (unit, _)), of in zip(COUNTERS.items(), _COUNTED, strict=True):
            increase = now.increase(before, of)
            yield count(name, now_ns, increase / (1e6 if unit == "s" else 1), labels)
        if self.now:
            yield gauge("tcp_app_limited_ratio", now_ns, self.app_limited / len(self.now), labels)
            for name, value in _measures(now).items():
                yield gauge(name, now_ns, value, labels)


def _measures(now: Measured) -> dict[str, float]:
    def median(field: int) -> int:
        ordered = sorted(now.of(field, MOST_MEASURED))
        return ordered[(len(ordered) - 1) // 2]

    return {
        "tcp_rtt_median_seconds": median(tcpinfo.RTT) / 1e6,
        "tcp_rtt_highest_seconds": max(now.of(tcpinfo.RTT)) / 1e6,
        "tcp_min_rtt_seconds": median(tcpinfo.MIN_RTT) / 1e6,
        "tcp_delivery_rate_median_bytes_per_second": median(tcpinfo.DELIVERY_RATE),
        "tcp_receive_space_median_bytes": median(tcpinfo.RECEIVE_SPACE),
    }
