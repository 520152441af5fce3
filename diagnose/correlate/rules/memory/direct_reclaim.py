"""Tasks have to free memory themselves before they get any: the background reclaimer does not keep up.

Symptom: latency of everything that allocates jumps, by milliseconds to seconds; time in the kernel rises.

Cause: free memory fell below the `min` watermark of a zone, because something takes memory faster than the kernel
frees it in the background, or because there is hardly any left that could be freed.

Evidence: allocation stalls and pages that allocating tasks looked at themselves, in the window; PSI says how much
time was lost. The background reclaimer's own scans delay nobody and are no evidence. A control group at its own limit
does not count here.

Recommendation: who takes the memory; and where there is some to free, watermarks that wake the background reclaimer
sooner (vm.watermark_scale_factor), computed from how fast memory was taken.

Source: Linux mm/vmscan.c (allocstall is counted for global reclaim only), Documentation/admin-guide/sysctl/vm.rst.
"""

from __future__ import annotations

from collections.abc import Iterator

from diagnose.correlate.rule import (
    Evidence,
    Impact,
    Inspect,
    Recommendation,
    RuledOut,
    Subject,
    Sysctl,
    Verdict,
    WillNotHelp,
    strength,
    supports_if,
)
from diagnose.correlate.signals.host_memory import HostMemory
from diagnose.correlate.words import number, percent, size

EXPLAINS = ("app.acceptor_stalled", "network.accept_queue_overflow", "memory.swapping")

# stalls/s; one now and then is how a burst begins
STALLS, CLEAR_STALLS = 5.0, 100.0
# pages/s that stalled tasks looked at: less costs microseconds
SCANNED = 1000.0
# of the time some task waits for memory
WAITING, CLEAR_WAITING = 0.02, 0.2
# of memory; with less to spare, no watermark makes room
LITTLE = 0.05
# hundredths of a percent of each zone between its watermarks: the default, and the most that is worth it
DEFAULT_FACTOR, MOST_FACTOR = 10, 200


def check(memory: HostMemory) -> list[Verdict]:
    """One verdict a host."""
    stalls, scanned = memory.rate("allocstall"), memory.rate("pgscan_direct")
    return [_verdict(memory, stalls, scanned)] if stalls >= STALLS and scanned >= SCANNED else []


def _waiting(memory: HostMemory) -> float | None:
    return memory.rates.get("pressure_memory_waiting")


def _verdict(memory: HostMemory, stalls: float, scanned: float) -> Verdict:
    waiting = _waiting(memory)
    lost = (
        f"some task waits for memory {percent(waiting)} of the time" if waiting is not None else "tasks wait"
    )
    return Verdict(
        subject=Subject(),
        headline=f"tasks have to free memory themselves {number(round(stalls))} times a second before they get any",
        impact=Impact(min(0.9, max(0.05, waiting or 0.0)), stalls, "stalls/s", lost),
        evidence=tuple(_evidence(memory, stalls, scanned)),
        ruled_out=(
            RuledOut("memory.cgroup_limit", "stalls of groups at their own limits are not in this count"),
        ),
        recommendations=tuple(_recommendations(memory, stalls)),
        will_not_help=tuple(_will_not_help(memory)),
        explains=EXPLAINS,
    )


def _evidence(memory: HostMemory, stalls: float, scanned: float) -> Iterator[Evidence]:
    text = f"{number(round(stalls))} allocations a second had to wait until memory was freed"
    clear = strength(stalls, STALLS, CLEAR_STALLS)
    yield Evidence(
        "supports", "decides", text, "vmstat_allocstall", stalls, "1/s", STALLS, "/proc/vmstat", clear
    )
    text = f"they looked at {number(round(scanned))} pages a second for that"
    yield Evidence(
        "supports", "decides", text, "vmstat_pgscan_direct", scanned, "pages/s", SCANNED, "/proc/vmstat"
    )
    waiting, metric = _waiting(memory), "pressure_memory_waiting_seconds_total"
    if waiting is None:
        yield Evidence(
            "missing", "separates", "the kernel has no PSI: how much time was lost is not known", metric
        )
    else:
        kind = supports_if(waiting >= WAITING)
        text, clear = (
            f"some task waited for memory {percent(waiting)} of the time",
            strength(waiting, 0, CLEAR_WAITING),
        )
        yield Evidence(kind, "separates", text, metric, waiting, "ratio", WAITING, "PSI", clear)
    text = f"{size(memory.available)} of {size(memory.total)} are available"
    yield Evidence("supports", "corroborates", text, "memory_MemAvailable_bytes", memory.available, "B")


def _recommendations(memory: HostMemory, stalls: float) -> Iterator[Recommendation]:
    command = (
        "ps -eo pid,rss,comm --sort=-rss | head; grep -E 'Slab|Shmem|Mlocked|HugePages_Total' /proc/meminfo"
    )
    inspect = Inspect("this host", "see who has the memory", command)
    yield Recommendation(inspect, f"{size(memory.available)} available", "the consumer", "none")
    current = memory.settings.get("watermark_scale_factor", DEFAULT_FACTOR)
    proposed = min(MOST_FACTOR, max(current, DEFAULT_FACTOR) * (10 if stalls >= CLEAR_STALLS else 5))
    if memory.available >= LITTLE * memory.total and proposed > current:
        formula = (
            f"{number(proposed / current)} times the room between watermarks, for {number(round(stalls))} "
            "stalls/s"
        )
        expected = (
            f"reclaim begins {size(memory.total * (proposed - current) / 10_000)} earlier, in the background"
        )
        change = Sysctl("vm.watermark_scale_factor", current, proposed)
        yield Recommendation(change, formula, expected, "low", "that much memory is kept free")


def _will_not_help(memory: HostMemory) -> Iterator[WillNotHelp]:
    yield WillNotHelp("echo 3 > /proc/sys/vm/drop_caches", "it frees once what is read again at once")
    if memory.available < LITTLE * memory.total:
        reason = f"{percent(memory.available / memory.total)} are available: there is nothing to begin earlier with"
        yield WillNotHelp("a higher vm.watermark_scale_factor or vm.min_free_kbytes", reason)
