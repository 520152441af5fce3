"""How long services wait for others, by peer, against their own requests and what they took before."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from diagnose.correlate.durations import Durations
from diagnose.correlate.samples import Histogram, Samples

READS = (
    "ebpf_observed_seconds_total",
    "listener_accept_queue_length",
    "service_run_delay_seconds_total",
    "service_run_slices_total",
)
HISTOGRAMS = ("dependency_seconds", "http_server_seconds")

RECENT_SECONDS = 30.0


@dataclass(frozen=True, slots=True)
class Dependency:
    """A service that listens, and a peer that it asks. `answers` and `requests` (its own, of HTTP) are of the last
    `RECENT_SECONDS`, `before` of the window until then; `in_flight` questions wait on average.

    `slice_seconds` is how long its own threads wait for a CPU each time; None where that was not read.
    """

    service: str
    pid: int | None
    destination: str
    netns: str
    protocol: str
    answers: Durations
    before: Durations
    requests: Durations
    in_flight: float
    slice_seconds: float | None

    @property
    def share(self) -> float | None:
        """Of the time of its own requests what is waiting for this peer; more than 1 where it asks at once."""
        total = self.requests.sum_seconds
        return self.answers.sum_seconds / total if total else None


@dataclass(frozen=True, slots=True)
class Dependencies:
    """It is there, and empty, where the probe watched and nobody asked."""

    found: tuple[Dependency, ...]

    @classmethod
    def derive(cls, samples: Samples) -> Dependencies | None:
        begin_ns = samples.end_ns - int(RECENT_SECONDS * 1e9)
        watched = samples.grouped("ebpf_observed_seconds_total", "probe").get("dependencies", ())
        seconds = sum(each.since(begin_ns).total for each in watched)
        if not seconds:
            return None
        groups: dict[tuple[str, ...], list[Histogram]] = {}
        for each in samples.histograms_of("dependency_seconds"):
            key = tuple(each.labels.get(label, "") for label in ("service", "dst", "netns", "protocol"))
            groups.setdefault(key, []).append(each)
        return cls(tuple(_found(groups, samples, begin_ns, seconds)))


def _found(
    groups: dict[tuple[str, ...], list[Histogram]], samples: Samples, begin_ns: int, seconds: float
) -> Iterator[Dependency]:
    listening = samples.grouped("listener_accept_queue_length", "service")
    for (service, destination, netns, protocol), group in groups.items():
        answers = Durations.of(each.between(begin_ns, samples.end_ns + 1) for each in group)
        own = {each.labels.get("listener", "").rpartition(":")[2] for each in listening.get(service, ())}
        if not own or not answers.count or destination.rpartition(":")[2] in own:  # a client of the same name
            continue
        pid = next((each.labels["pid"] for each in listening[service] if "pid" in each.labels), None)
        yield Dependency(
            service=service,
            pid=int(pid) if pid else None,
            destination=destination,
            netns=netns,
            protocol=protocol,
            answers=answers,
            before=Durations.of(each.between(0, begin_ns) for each in group),
            requests=_requests(service, samples, begin_ns),
            in_flight=answers.sum_seconds / seconds,
            slice_seconds=_slice_seconds(service, samples, begin_ns),
        )


def _requests(service: str, samples: Samples, begin_ns: int) -> Durations:
    return Durations.of(
        each.between(begin_ns, samples.end_ns + 1)
        for each in samples.histograms_of("http_server_seconds")
        if each.labels.get("service") == service
    )


def _slice_seconds(service: str, samples: Samples, begin_ns: int) -> float | None:
    delay, slices = (
        sum(each.since(begin_ns).total for each in samples.grouped(metric, "service").get(service, ()))
        for metric in ("service_run_delay_seconds_total", "service_run_slices_total")
    )
    return delay / slices if slices else None
