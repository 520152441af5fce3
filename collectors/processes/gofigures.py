"""What Go's runtime says of itself, in the three forms in which programs publish it.

Prometheus' page of the Go client (`go_memstats_…`), expvar's JSON (`/debug/vars`), and the remarks at the end of
`/debug/pprof/heap?debug=1`, which every program with net/http/pprof has.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass

import msgspec

from collectors import exposition

_REMARK = re.compile(r"^# (\w+) = (.+)$", re.MULTILINE)
# net/http/pprof lists its profiles with what each holds (pprofTmpl, since Go 1.11 in this form).
_GOROUTINES = re.compile(rb"<td>(\d{1,12})</td>\s*<td><a href='?goroutine\?")
_RING = 256  # runtime.MemStats.PauseNs holds the last so many
_NS = 1e9


@dataclass(frozen=True, slots=True)
class Figures:
    """Counters since the process began. `gc_share` is of all CPU time that its GOMAXPROCS allowed it until `last_gc`
    (Unix seconds), when the runtime last computed it.

    `pauses_ns` is the runtime's ring of the last pauses, where the sum of all is not told.
    """

    heap_bytes: float
    heap_goal_bytes: float
    gc_cycles: int
    gc_pause_seconds: float | None = None
    gc_share: float | None = None
    last_gc: float = 0.0
    gomaxprocs: float | None = None
    pauses_ns: tuple[int, ...] = ()
    goroutines: float | None = None


class _MemStats(msgspec.Struct, frozen=True):
    HeapAlloc: int
    NextGC: int
    NumGC: int
    LastGC: int
    PauseTotalNs: int
    GCCPUFraction: float


class _Vars(msgspec.Struct, frozen=True):
    memstats: _MemStats


_vars = msgspec.json.Decoder(_Vars)


def of_metrics(page: bytes) -> Figures | None:
    """None for a page that tells nothing of Go."""
    found = {
        one.name: one.value for one in exposition.readings(page.decode("utf-8", "replace")) if not one.labels
    }
    try:
        return Figures(
            found["go_memstats_heap_alloc_bytes"],
            found["go_memstats_next_gc_bytes"],
            int(found["go_gc_duration_seconds_count"]),
            found["go_gc_duration_seconds_sum"],
            found.get("go_memstats_gc_cpu_fraction"),
            found.get("go_memstats_last_gc_time_seconds", 0.0),
            found.get("go_sched_gomaxprocs_threads"),
            goroutines=found.get("go_goroutines"),
        )
    except KeyError:
        return None


def of_vars(page: bytes) -> Figures | None:
    try:
        stats = _vars.decode(page).memstats
    except (msgspec.MsgspecError, RecursionError, UnicodeDecodeError):
        return None
    pause_seconds = stats.PauseTotalNs / _NS
    last_gc = stats.LastGC / _NS
    return Figures(stats.HeapAlloc, stats.NextGC, stats.NumGC, pause_seconds, stats.GCCPUFraction, last_gc)


def of_heap(page: bytes) -> Figures | None:
    remarks: Mapping[str, str] = dict(_REMARK.findall(page.decode("utf-8", "replace")))
    try:
        pauses = tuple(int(word) for word in remarks["PauseNs"].strip("[]").split())
        figures = Figures(
            float(remarks["HeapAlloc"]),
            float(remarks["NextGC"]),
            int(remarks["NumGC"]),
            gc_share=float(remarks["GCCPUFraction"]),
            last_gc=int(remarks["LastGC"]) / _NS,
            pauses_ns=pauses,
        )
    except (KeyError, ValueError):
        return None
    return figures if len(pauses) == _RING else None


def goroutines(page: bytes) -> int | None:
    """How many there are, of the page `/debug/pprof/`."""
    found = _GOROUTINES.search(page)
    return int(found[1]) if found else None


def pause_seconds(before: Figures, after: Figures) -> float:
    """Of the cycles between two readings of one process; of more than 256 cycles, the last 256."""
    if before.gc_pause_seconds is not None and after.gc_pause_seconds is not None:
        return max(0.0, after.gc_pause_seconds - before.gc_pause_seconds)
    if not after.pauses_ns:
        return 0.0
    first = max(before.gc_cycles, after.gc_cycles - _RING)
    # The cycle with the number n, counted from 1, stands at (n + 255) mod 256.
    return sum(after.pauses_ns[number % _RING] for number in range(first, after.gc_cycles)) / _NS
