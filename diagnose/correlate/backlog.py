"""How long an accept queue must be for the bursts that were measured."""

from __future__ import annotations

from diagnose.correlate.signals.listen_caps import ListenCaps
from diagnose.correlate.signals.listen_counters import ListenCounts
from diagnose.correlate.signals.listener_queues import ListenerQueue
from diagnose.correlate.words import number, percent

# bytes; a connection that waits holds a tcp_sock (2.4 KiB in the TCP slab, Linux 6.x) and what it sent already
CONNECTION_BYTES = 4096
# of memory, for one listener's queue in the worst case
MEMORY_SHARE = 0.01


def backlog_for(
    queue: ListenerQueue, counts: ListenCounts | None, caps: ListenCaps | None
) -> tuple[int, str]:
    """The next power of two, never less than now, within the memory it may take; and the formula in words."""
    needed, formula = _needed(queue, counts)
    proposed = 1 << (max(needed, queue.limit + 1) - 1).bit_length()
    formula = f"{formula} = {number(needed)}, rounded up to a power of two"
    if caps and caps.memory_bytes:
        most = max(queue.limit, int(caps.memory_bytes * MEMORY_SHARE / CONNECTION_BYTES))
        if proposed > most:
            return most, f"{formula}, capped at {percent(MEMORY_SHARE)} of memory ({CONNECTION_BYTES} B each)"
    return proposed, formula


def _needed(queue: ListenerQueue, counts: ListenCounts | None) -> tuple[int, str]:
    """Connections that the queue must hold: those that came in the busiest second, for as long as it stayed full.

    Readings are a second apart, so a shorter burst counts as one second. A client whose SYN was dropped sends the
    next after 1 s and counts once; one whose last ACK was dropped counts again with its request and each time that is
    sent again (after 0.2 and 0.6 s). The counters do not tell the two apart, so the size errs to the large side.
    """
    queued = queue.limit + 1
    if queue.drops is None and counts is not None:
        arrivals = counts.busiest_second_arrivals + queued
        counted = "accepted, refused and queued in the busiest second"
    else:
        arrivals = queue.busiest_second_drops + queued
        counted = f"{number(queue.busiest_second_drops)} refused and {queued} queued in the busiest second"
    stall = max(1.0, queue.longest_full_seconds)
    formula = (
        f"{number(arrivals)} arrivals/s ({counted}; errs to the large side: a client that was refused after its "
        f"handshake counts up to 4 times) × {number(stall)} s of full queue"
    )
    return int(-(-arrivals * stall // 1)), formula
