"""Who holds a transfer back: told from the sender's and, where it is on the same host, the receiver's connections."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from diagnose.correlate.signals.listener_queues import ListenerQueues
from diagnose.correlate.signals.traffic import Group, Traffic

# connections that have data under way, on average: less is a transfer now and then
BUSY_CONNECTIONS = 0.3
# s of busy time; a first reading that is shorter may be the beginning of a transfer
LEAST_BUSY_SECONDS = 3.0
# of the busy time; measured 0.42-0.58 with BBR and 0.99 with Reno behind a small buffer, 0.00 without
WINDOW_LIMITED, CLEAR_WINDOW_LIMITED = 0.3, 0.8
# of the receive buffer's memory, in every reading; a reader that keeps up leaves it empty
UNREAD, CLEAR_UNREAD = 0.5, 0.7
# round-trip time by the least ever; a receiver that lags acknowledges late (measured 1,700 on loopback, 1.04 behind a
# small buffer that is read at once, up to 5 where the path itself was short of CPU)
LATE_ACKS = 8.0
LOOPBACK = ("127.", "[::1]")
WILDCARDS = ("0.0.0.0", "[::]")  # noqa: S104 - what listens on all addresses is called so


@dataclass(frozen=True, slots=True)
class Held:
    """A transfer to `sender`'s destination that the peer's window holds back; `receiver`: the same one's other end,
    where it is on this host."""

    sender: Group
    receiver: Group | None

    @property
    def reader_is_slow(self) -> bool:
        """Else the receive buffer is too small for the path."""
        if self.receiver is not None:
            return unread(self.receiver) >= UNREAD
        return (self.sender.queueing or 0.0) >= LATE_ACKS


def held_back(traffic: Traffic) -> Iterator[Held]:
    """Destinations whose window is what data waits for."""
    for group in traffic.destinations.values():
        busy = group.count("tcp_busy_seconds_total")
        enough = group.busy_connections >= BUSY_CONNECTIONS and busy >= LEAST_BUSY_SECONDS
        if enough and group.window_limited >= WINDOW_LIMITED:
            yield Held(group, other_end(group, traffic))


def other_end(sender: Group, traffic: Traffic) -> Group | None:
    """The listener of this host that a destination is."""
    port = sender.name.rpartition(":")[2]
    same = traffic.listeners.get((sender.name, sender.netns))
    if same or not sender.name.startswith(LOOPBACK):
        return same
    every = (traffic.listeners.get((f"{address}:{port}", sender.netns)) for address in WILDCARDS)
    return next((each for each in every if each), None)


def unread(group: Group) -> float:
    """How full the fullest receive buffer was at the least in the last readings; 0 where there are too few."""
    return group.least("tcp_receive_buffer_used_ratio") or 0.0


def owner(group: Group, queues: ListenerQueues | None) -> tuple[str, int | None]:
    """Service and process of a listener."""
    mine = (q for q in queues.queues if (q.listener, q.netns) == (group.name, group.netns)) if queues else ()
    return next(((queue.service, queue.pid) for queue in mine), ("", None))
