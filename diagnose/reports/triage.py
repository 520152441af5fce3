"""Where the time of a host's services went: what the store holds, as the reasoning takes it, and its answer as bars."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from diagnose.correlate import load
from diagnose.correlate.triage import (
    CONVOY,
    HISTOGRAMS,
    OWN_CODE,
    READS,
    STATES,
    Reading,
    State,
    Triage,
    triage,
)
from diagnose.reports.readings import Readings
from diagnose.store import histograms, series

# Means of means: of equal parts of the range.
_PARTS = 60
WORDS: dict[State, str] = {
    "on_cpu": "on CPU",
    "waiting_for_cpu": "waiting for a CPU",
    "throttled": "held back by its CPU quota",
    "lock": "waiting for a lock",
    "disk": "waiting for a disk",
    "memory": "waiting for memory",
    "network": "waiting for the network",
    "dependency": "waiting for another service",
    "idle": "idle",
}


@dataclass(frozen=True, slots=True)
class Part:
    """A piece of a bar from 0 to 100, and what it stands for."""

    state: State
    words: str
    share: float
    left: float
    width: float


@dataclass(frozen=True, slots=True)
class Bar:
    """A service's triage, drawn. `heaviest` is the largest part that is not idle."""

    triage: Triage
    parts: tuple[Part, ...]
    heaviest: Part


METRICS = (*READS, *HISTOGRAMS)


def of_host(host_id: int, start_ns: int, end_ns: int) -> tuple[Triage, ...]:
    """The busiest service first; empty when no threads were looked at in the range."""
    return of_readings(host_id, Readings.of_host(host_id, METRICS), start_ns, end_ns)


def of_readings(host_id: int, known: Readings, start_ns: int, end_ns: int) -> tuple[Triage, ...]:
    """`known` has METRICS of the host."""
    lines = series.range_(known.of(*READS), start_ns, end_ns, _PARTS)
    readings = [Reading(each.ref.metric, each.ref.labels, float(each.values.mean())) for each in lines]
    covered = max((len(each.times_ns) for each in lines), default=0) / _PARTS
    seconds = (end_ns - start_ns) / 1e9 * min(1.0, covered)
    readings += [*_sums(known, start_ns, end_ns, seconds), *_own_code(host_id, readings, start_ns, end_ns)]
    return triage(readings)


def _sums(known: Readings, start_ns: int, end_ns: int, seconds: float) -> Iterator[Reading]:
    """Seconds that were waited per second, which is how many waited."""
    refs = known.of(*HISTOGRAMS) if seconds else []
    found = histograms.over_time([[ref] for ref in refs], start_ns, end_ns, 1)
    for ref, maps in zip(refs, found, strict=True):
        yield Reading(ref.metric, ref.labels, sum(each.sum for each in maps) / seconds)


def _own_code(host_id: int, readings: Sequence[Reading], start_ns: int, end_ns: int) -> Iterator[Reading]:
    """Of services where it tells a lock from a pool. Stacks are dear to read."""
    for each in readings:
        untimed = each.metric == "service_threads_on_one_futex" and each.labels.get("timed") == "no"
        if untimed and each.value >= CONVOY:
            ratio = load.own_code_ratio(host_id, each.labels["service"], start_ns, end_ns)
            if ratio is not None:
                yield Reading(OWN_CODE, {"service": each.labels["service"]}, ratio)


def bars(found: Sequence[Triage]) -> list[Bar]:
    """To draw, in the order of STATES."""
    return [_bar(each) for each in found]


def _bar(found: Triage) -> Bar:
    parts, left = [], 0.0
    for state in STATES:
        share = found.shares[state]
        parts.append(Part(state, WORDS[state], share, left, share * 100))
        left += share * 100
    heaviest = next(part for part in parts if part.state == found.heaviest)
    return Bar(found, tuple(parts), heaviest)
