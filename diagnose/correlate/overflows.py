"""Which listeners lost the connections that their network namespace counted as overflows."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from diagnose.correlate.signals.listen_counters import ListenCounts
from diagnose.correlate.signals.listener_queues import ListenerQueue, ListenerQueues
from diagnose.correlate.words import number

# connections in the window; each costs its client at least the 1 s of the first SYN retry (RFC 6298, 2.1), fewer
# are as likely a port scan or a restart
LEAST_DROPS = 10
# of all drops or overflows; the two counters are read up to five seconds apart
READ_APART = 0.1
# connections; a burst that fills this much between two readings a second apart is common, one that fills more is not
SMALL_LIMIT = 128


@dataclass(frozen=True, slots=True)
class Loss:
    """`drops` connections that a listener lost in the window; `others` may have lost some of them as well."""

    queue: ListenerQueue
    drops: float
    others: tuple[ListenerQueue, ...] = ()


def losses(queues: ListenerQueues, by_netns: Mapping[str, ListenCounts]) -> list[Loss]:
    """Of listeners that are there now: by their own counters, else where the evidence points to one of them."""
    dropped: defaultdict[str, float] = defaultdict(float)
    for each in (*queues.queues, *queues.gone):
        dropped[each.netns] += each.drops or 0.0
    counted = [
        Loss(queue, queue.drops)
        for queue in queues.queues
        if queue.drops is not None
        and queue.drops >= LEAST_DROPS
        and _overflowed(queue, dropped[queue.netns], by_netns.get(queue.netns))
    ]
    return counted + [loss for netns, counts in by_netns.items() for loss in _likely(netns, counts, queues)]


def unexplained(netns: str, counts: ListenCounts, queues: ListenerQueues) -> float:
    """Overflows that no listener's own counter tells of, those that are gone by now included."""
    left = counts.overflows - sum(queue.drops or 0.0 for queue in _within(netns, queues))
    return left if left >= max(LEAST_DROPS, READ_APART * counts.overflows) else 0.0


def whose_is_open(queues: ListenerQueues, by_netns: Mapping[str, ListenCounts]) -> str:
    """Why overflows are blamed on nobody, where listeners without a counter of their own may have had them."""
    reasons = []
    for netns, counts in by_netns.items():
        left, candidates = unexplained(netns, counts, queues), _uncounted(netns, queues)
        if left and candidates and not list(_likely(netns, counts, queues)):
            names = ", ".join(queue.listener for queue in candidates[:5])
            reasons.append(
                f"ListenOverflows rose by {number(left)} more than listeners told of, and nothing says which of "
                f"{names} it was, or one that is gone"
            )
    return "; ".join(reasons)


def _within(netns: str, queues: ListenerQueues) -> Iterator[ListenerQueue]:
    return (queue for queue in (*queues.queues, *queues.gone) if queue.netns == netns)


def _uncounted(netns: str, queues: ListenerQueues) -> list[ListenerQueue]:
    return [queue for queue in queues.queues if queue.netns == netns and queue.drops is None]


def _overflowed(queue: ListenerQueue, dropped: float, counts: ListenCounts | None) -> bool:
    """A listener's drops are of any kind: where those of all cover all overflows, its own were none of them."""
    if counts is None:
        return True
    if counts.overflows >= (1 - READ_APART) * dropped:
        return counts.overflows >= LEAST_DROPS
    others = dropped - (queue.drops or 0.0)
    return counts.overflows > 0 and (queue.full or counts.overflows - others >= LEAST_DROPS)


def _likely(netns: str, counts: ListenCounts, queues: ListenerQueues) -> Iterator[Loss]:
    """Who lost what is unexplained: one that was seen near its limit, or the only one that it can be."""
    left, candidates = unexplained(netns, counts, queues), _uncounted(netns, queues)
    if not left or not candidates:
        return
    gone = tuple(queue for queue in queues.gone if queue.netns == netns)
    dropping = [queue for queue in gone if queue.near_limit or queue.drops]
    caught = [queue for queue in candidates if queue.full or (queue.near_limit and not dropping)]
    if caught:
        caught.sort(key=lambda queue: (queue.limit - queue.peak, queue.limit))
        yield Loss(caught[0], left, (*caught[1:], *dropping))
        return
    small = [queue for queue in candidates if queue.limit <= SMALL_LIMIT]
    if len(small) == 1 and not gone and not any(queue.drops for queue in _within(netns, queues)):
        yield Loss(small[0], left)
