"""The newest value of each series: what tables show."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from diagnose.reports.readings import Readings
from diagnose.store import series
from diagnose.store.series import SeriesRef

# Long enough for three readings of the slowest probe (every 15 s), short enough to mean "now".
WINDOW_SECONDS = 60


@dataclass(frozen=True, slots=True)
class Latest:
    """A gauge's last value, or a counter's increase per second over the window."""

    ref: SeriesRef
    value: float
    time_ns: int


def latest(refs: Sequence[SeriesRef], at_ns: int, seconds: float = WINDOW_SECONDS) -> list[Latest]:
    """One for each series that has readings in the window that ends at `at_ns`; the others are absent."""
    found = series.read(refs, at_ns - int(seconds * 1e9), at_ns)
    rows = []
    for ref in refs:
        if ref.id not in found:
            continue
        times, values = found[ref.id]
        if ref.counter and len(times) > 1:
            # The first increase belongs to the interval before the window's first reading.
            rate = float(values[1:].sum()) / (int(times[-1] - times[0]) / 1e9)
            rows.append(Latest(ref, rate, int(times[-1])))
        elif not ref.counter and len(times):
            rows.append(Latest(ref, float(values[-1]), int(times[-1])))
    return rows


def of_metrics(
    host_ids: Sequence[int], metrics: Iterable[str], at_ns: int, seconds: float = WINDOW_SECONDS
) -> dict[str, list[Latest]]:
    """By metric; a metric that was not measured is an empty list."""
    wanted = list(metrics)
    return of_readings(Readings.of_hosts(host_ids, wanted), wanted, at_ns, seconds)


def of_readings(
    readings: Readings, metrics: Iterable[str], at_ns: int, seconds: float = WINDOW_SECONDS
) -> dict[str, list[Latest]]:
    """The same of what was looked up before."""
    by_metric: dict[str, list[Latest]] = {metric: [] for metric in metrics}
    for each in latest(readings.of(*by_metric), at_ns, seconds):
        by_metric[each.ref.metric].append(each)
    return by_metric
