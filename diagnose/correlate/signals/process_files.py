"""How many files each process has open, its limit, and whether they grow as in a leak."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from diagnose.correlate.growth import Growth, growth
from diagnose.correlate.samples import Samples, Series

READS = (
    "process_open_fds",
    "process_max_fds",
    "process_open_fds_by_kind",
    "netstat_Tcp_CurrEstab",
    "listener_accept_queue_length",
)

# s; files that were open before that and are closed now trouble nobody any more
RECENT_SECONDS = 60.0
# of the limit; growth below it worries nobody, and most processes of a host are there
WATCHED_SHARE = 0.25


@dataclass(frozen=True, slots=True)
class OpenFilesOf:
    """One process. `kinds` holds growth per second by kind of file, most first, where the collector looked.

    `growth` is told from WATCHED_SHARE of the limit on, where there are enough readings.

    `peak` is of the last minute. `connections_per_second` is the growth of established connections, the load on
    sockets: of the network namespace it listens in, else of the one where they grow most.
    """

    pid: int
    service: str
    open: int
    peak: int
    limit: int
    seconds: float
    growth: Growth | None
    kinds: tuple[tuple[str, int, float], ...]
    connections_per_second: float | None

    @property
    def share(self) -> float:
        return self.peak / self.limit if self.limit else 0.0


@dataclass(frozen=True, slots=True)
class ProcessFiles:
    """By pid; processes that are gone are left out."""

    by_pid: dict[int, OpenFilesOf]

    @classmethod
    def derive(cls, samples: Samples) -> ProcessFiles | None:
        limits = samples.by_process("process_max_fds")
        load, kinds = _load(samples), samples.grouped("process_open_fds_by_kind", "pid")
        found = {
            pid: _files(pid, series, int(limits[pid].last), samples.end_ns, kinds.get(str(pid), ()), load)
            for pid, series in samples.by_process("process_open_fds").items()
            if pid in limits and samples.is_present(series)
        }
        return cls(found) if found else None


@dataclass(frozen=True, slots=True)
class _Load:
    """Growth of established connections per second by network namespace, and the namespaces each process listens in."""

    connections: dict[str, float]
    listens_in: dict[str, frozenset[str]]

    def of(self, pid: int) -> float | None:
        """The fastest growth of what the process may have to do with."""
        mine = self.listens_in.get(str(pid))
        grown = [each for netns, each in self.connections.items() if not mine or netns in mine]
        return max(grown, default=None)


def _load(samples: Samples) -> _Load:
    grown = {s.labels.get("netns", ""): growth(s) for s in samples.of("netstat_Tcp_CurrEstab")}
    listeners = samples.grouped("listener_accept_queue_length", "pid")
    return _Load(
        {netns: each.per_second for netns, each in grown.items() if each},
        {pid: frozenset(each.labels.get("netns", "") for each in mine) for pid, mine in listeners.items()},
    )


def _files(
    pid: int, series: Series, limit: int, end_ns: int, kinds: Iterable[Series], load: _Load
) -> OpenFilesOf:
    peak = int(series.since(end_ns - int(RECENT_SECONDS * 1e9)).values.max())
    return OpenFilesOf(
        pid=pid,
        service=series.labels.get("service", ""),
        open=int(series.last),
        peak=peak,
        limit=limit,
        seconds=float(series.times_ns[-1] - series.times_ns[0]) / 1e9,
        growth=growth(series) if peak >= WATCHED_SHARE * limit else None,
        kinds=_kinds(kinds),
        connections_per_second=load.of(pid),
    )


def _kinds(mine: Iterable[Series]) -> tuple[tuple[str, int, float], ...]:
    grown = [(s.labels.get("kind", ""), int(s.last), _slope(s)) for s in mine]
    return tuple(sorted(grown, key=lambda kind: (-kind[2], -kind[1])))


def _slope(series: Series) -> float:
    seconds = float(series.times_ns[-1] - series.times_ns[0]) / 1e9
    return (series.last - float(series.values[0])) / seconds if seconds > 0 else 0.0
