"""How often accept() found a connection and how often none, by service, and how often its processes were woken."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from statistics import median

from diagnose.correlate.samples import Samples, Series

READS = (
    "accept_attempts_total",
    "epoll_wakeups_total",
    "ebpf_observed_seconds_total",
    "process_threads",
    "process_context_switches_total",
    "listener_accept_queue_length",
)

RECENT_SECONDS = 30.0


@dataclass(frozen=True, slots=True)
class AcceptsOf:
    """One service. Rates are per second over the time that was watched, `seconds` in all.

    `returns` are those of epoll_wait(). `workers` counts its processes, and `woken` has how often each that was read
    slept and was woken; who is woken for what another has taken by then sleeps on inside epoll_wait().
    """

    service: str
    pid: int | None
    listeners: tuple[str, ...]
    holders: int
    accepted: float
    nothing: float
    returns: float
    seconds: float
    workers: int
    woken: tuple[float, ...]

    @property
    def typically_woken(self) -> float | None:
        """How often one of its processes was woken."""
        return median(self.woken) if self.woken else None

    @property
    def in_vain(self) -> float:
        """Wakeups of all of them that gave nobody a connection or anything else to do."""
        asleep = self.workers * (self.typically_woken or 0.0) - self.returns
        return self.nothing + max(0.0, asleep)


@dataclass(frozen=True, slots=True)
class Accepts:
    """By service; those that accept nothing are left out."""

    by_service: Mapping[str, AcceptsOf]

    @classmethod
    def derive(cls, samples: Samples) -> Accepts | None:
        begin_ns = samples.end_ns - int(RECENT_SECONDS * 1e9)
        watched = samples.grouped("ebpf_observed_seconds_total", "probe").get("wakeups", ())
        seconds = sum(each.since(begin_ns).total for each in watched)
        if not seconds:
            return None
        attempts = samples.grouped("accept_attempts_total", "service")
        return cls({name: _of(name, samples, begin_ns, seconds) for name in attempts})


def _of(service: str, samples: Samples, begin_ns: int, seconds: float) -> AcceptsOf:
    results = {
        each.labels.get("result", ""): each.since(begin_ns).total / seconds
        for each in samples.grouped("accept_attempts_total", "service")[service]
    }
    returned = samples.grouped("epoll_wakeups_total", "service").get(service, ())
    listening = samples.grouped("listener_accept_queue_length", "service").get(service, ())
    holders = {each.labels["pid"] for each in listening if "pid" in each.labels}
    processes = samples.grouped("process_threads", "service").get(service, ())
    return AcceptsOf(
        service=service,
        pid=int(min(holders, key=int)) if holders else None,
        listeners=tuple(sorted({each.labels.get("listener", "") for each in listening})),
        holders=len(holders),
        accepted=results.get("accepted", 0.0),
        nothing=results.get("nothing", 0.0),
        returns=sum(each.since(begin_ns).total for each in returned) / seconds,
        seconds=seconds,
        workers=len({each.labels.get("pid") for each in processes if samples.is_present(each)}),
        woken=tuple(_woken(service, samples, begin_ns)),
    )


def _woken(service: str, samples: Samples, begin_ns: int) -> list[float]:
    switches = samples.grouped("process_context_switches_total", "service").get(service, ())
    sleeps = (_rate(each, begin_ns) for each in switches if each.labels.get("type") == "voluntary")
    return [rate for rate in sleeps if rate is not None]


def _rate(series: Series, begin_ns: int) -> float | None:
    """Increase a second since the reading before `begin_ns`, or the first."""
    first = max(1, len(series.values) - len(series.since(begin_ns).values))
    if first >= len(series.values):
        return None
    seconds = float(series.times_ns[-1] - series.times_ns[first - 1]) / 1e9
    return float(series.values[first:].sum()) / seconds if seconds > 0 else None
