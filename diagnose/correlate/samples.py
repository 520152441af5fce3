"""A pure view of one host and one window: what collectors measured, before anything is concluded from it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

import numpy as np
from numpy.typing import NDArray

from diagnose.correlate.forecast import Outlook

# s; three readings of the process table, and more than one of a listener among very many
PRESENT_SECONDS = 15.0


@dataclass(frozen=True, slots=True)
class Series:
    """Readings of one metric and label set, by time. A counter's value is its increase since the reading before."""

    metric: str
    labels: Mapping[str, str]
    times_ns: NDArray[np.int64]
    values: NDArray[np.float64]
    counter: bool = False

    @property
    def last(self) -> float:
        return float(self.values[-1])

    @property
    def total(self) -> float:
        return float(self.values.sum())

    def known(self) -> Series:
        """Without readings that are no numbers, or counters that fell: a probe that divides by zero, or a counter
        that wrapped, must not decide anything."""
        good = np.isfinite(self.values)
        if self.counter:
            good &= self.values >= 0
        if good.all():
            return self
        return Series(self.metric, self.labels, self.times_ns[good], self.values[good], self.counter)

    def since(self, start_ns: int) -> Series:
        """The part that begins at `start_ns`; it may be empty."""
        first = int(self.times_ns.searchsorted(start_ns))
        return Series(self.metric, self.labels, self.times_ns[first:], self.values[first:], self.counter)

    def until(self, end_ns: int) -> Series:
        """The part that ends before `end_ns`; it may be empty."""
        end = int(np.searchsorted(self.times_ns, end_ns))
        return Series(self.metric, self.labels, self.times_ns[:end], self.values[:end], self.counter)

    def per_second(self, start_ns: int = 0) -> float | None:
        """A counter's increase per second from `start_ns` on. An increase whose beginning was not seen is left out;
        None when no other is there."""
        first = max(1, int(np.searchsorted(self.times_ns, start_ns)))
        if first >= len(self.values):
            return None
        seconds = float(self.times_ns[-1] - self.times_ns[first - 1]) / 1e9
        return float(self.values[first:].sum()) / seconds if seconds > 0 else None


@dataclass(frozen=True, slots=True)
class Histogram:
    """Durations of one metric and label set: `counts[i, j]` took from `edges[j]` to `edges[j + 1]` seconds.

    Row i, of the durations that ended within some seconds from `times_ns[i]` on, took `sums[i]` seconds together.
    """

    metric: str
    labels: Mapping[str, str]
    times_ns: NDArray[np.int64]
    edges: NDArray[np.float64]
    counts: NDArray[np.int64]
    sums: NDArray[np.float64]

    def between(self, start_ns: int, end_ns: int) -> Histogram:
        """The part from `start_ns` on and before `end_ns`; it may be empty."""
        part = slice(*np.searchsorted(self.times_ns, (start_ns, end_ns)).tolist())
        return replace(self, times_ns=self.times_ns[part], counts=self.counts[part], sums=self.sums[part])


@dataclass(frozen=True, slots=True)
class Frame:
    """One source position; line 0 is unknown."""

    name: str
    file: str
    line: int = 0
    module: str = ""


@dataclass(frozen=True, slots=True)
class Stack:
    """How often one call stack, root first, was seen in one named thread."""

    thread: str
    frames: tuple[Frame, ...]
    count: int


@dataclass(frozen=True, slots=True)
class Profile:
    """Stacks of one process, sampled for `seconds` of the window; one count stands for `period_ns`."""

    service: str
    pid: int
    type: str
    period_ns: int
    seconds: float
    stacks: tuple[Stack, ...]
    # of compiled code, Go's for one: functions as their linker names them
    native: bool = False

    @property
    def count(self) -> int:
        return sum(stack.count for stack in self.stacks)

    @property
    def ticks(self) -> float:
        """How many times the process was looked at."""
        return self.seconds * 1e9 / self.period_ns


@dataclass(frozen=True, slots=True)
class ProbeFailure:
    """A probe whose last run gave nothing, and why, in its own words."""

    probe: str
    reason: str


@dataclass(frozen=True, slots=True)
class Samples:
    """Series that have at least one reading in the window, by metric; facts as they hold at its end.

    `baselines` are `cpu` profiles of busy services before the window, of all their processes together.
    """

    host: str
    start_ns: int
    end_ns: int
    series: Mapping[str, tuple[Series, ...]]
    facts: Mapping[str, str] = field(default_factory=dict)
    profiles: tuple[Profile, ...] = ()
    failures: tuple[ProbeFailure, ...] = ()
    histograms: Mapping[str, tuple[Histogram, ...]] = field(default_factory=dict)
    outlooks: tuple[Outlook, ...] = ()
    baselines: tuple[Profile, ...] = ()
    _groups: dict[tuple[str, str], dict[str, tuple[Series, ...]]] = field(
        default_factory=dict, init=False, repr=False, compare=False
    )
    _processes: dict[str, dict[int, Series]] = field(
        default_factory=dict, init=False, repr=False, compare=False
    )

    @property
    def seconds(self) -> float:
        return (self.end_ns - self.start_ns) / 1e9

    def of(self, metric: str) -> tuple[Series, ...]:
        """All series of a metric; empty when it was not measured."""
        return self.series.get(metric, ())

    def histograms_of(self, metric: str) -> tuple[Histogram, ...]:
        """All histograms of a metric; empty when it was not measured, or nothing happened."""
        return self.histograms.get(metric, ())

    def grouped(self, metric: str, label: str) -> Mapping[str, tuple[Series, ...]]:
        """The series of a metric by the value of one label; those without it stand under ""."""
        if (metric, label) not in self._groups:
            groups: dict[str, list[Series]] = {}
            for each in self.of(metric):
                groups.setdefault(each.labels.get(label, ""), []).append(each)
            self._groups[metric, label] = {value: tuple(mine) for value, mine in groups.items()}
        return self._groups[metric, label]

    def by_process(self, metric: str) -> dict[int, Series]:
        """The series of a metric that is measured per process, by pid; after an exec or a new name the latest."""
        if metric not in self._processes:
            mine = [each for each in self.of(metric) if each.labels.get("pid")]
            mine.sort(key=lambda each: int(each.times_ns[-1]))
            self._processes[metric] = {int(each.labels["pid"]): each for each in mine}
        return self._processes[metric]

    def is_present(self, series: Series, seconds: float = PRESENT_SECONDS) -> bool:
        """Whether what a series measures was still there at the end of the window, and not gone or replaced."""
        return self.end_ns - int(series.times_ns[-1]) <= seconds * 1e9

    def is_alive(self, pid: int, seconds: float = PRESENT_SECONDS) -> bool:
        """Whether the process was; true where no process table was read."""
        table = self.by_process("process_open_fds")
        return not table or (pid in table and self.is_present(table[pid], seconds))

    def age(self, series: Series) -> float:
        """Of a reading that grows with the time, what it is at the window's end."""
        return series.last + float(self.end_ns - series.times_ns[-1]) / 1e9

    def number(self, fact: str) -> int | None:
        """A fact that is a whole number; None when it is not known or is something else."""
        text = self.facts.get(fact, "").strip()
        return int(text) if text.isdecimal() else None

    def profiles_of(self, kind: str, *, native: bool = False) -> dict[int, Profile]:
        """The profiles of one type, by pid; those of compiled code apart."""
        return {each.pid: each for each in self.profiles if each.type == kind and each.native == native}
