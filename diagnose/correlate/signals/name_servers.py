"""How long name servers took to answer lately, by server."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from diagnose.correlate.durations import Durations
from diagnose.correlate.samples import Histogram, Samples

READS = ("ebpf_observed_seconds_total",)
HISTOGRAMS = ("dns_seconds",)

RECENT_SECONDS = 60.0


@dataclass(frozen=True, slots=True)
class NameServer:
    """Answers of the last `RECENT_SECONDS`, and by the service that asked; those of the window before that apart."""

    destination: str
    netns: str
    answers: Durations
    before: Durations
    by_service: Mapping[str, Durations]


@dataclass(frozen=True, slots=True)
class NameServers:
    """Those that were asked lately. It is there, and empty, where the probe watched and nobody asked."""

    servers: tuple[NameServer, ...]

    @classmethod
    def derive(cls, samples: Samples) -> NameServers | None:
        histograms = samples.histograms_of("dns_seconds")
        observed = samples.grouped("ebpf_observed_seconds_total", "probe")
        if not histograms and "dns" not in observed:
            return None
        groups: dict[tuple[str, str], list[Histogram]] = {}
        for each in histograms:
            groups.setdefault((each.labels.get("dst", ""), each.labels.get("netns", "")), []).append(each)
        found = (_server(*key, group, samples.end_ns) for key, group in groups.items())
        return cls(tuple(each for each in found if each.answers.count))


def _server(destination: str, netns: str, group: list[Histogram], end_ns: int) -> NameServer:
    begin_ns = end_ns - int(RECENT_SECONDS * 1e9)
    recent = [each.between(begin_ns, end_ns + 1) for each in group]
    services: dict[str, list[Histogram]] = {}
    for each in recent:
        services.setdefault(each.labels.get("service", ""), []).append(each)
    return NameServer(
        destination,
        netns,
        Durations.of(recent),
        Durations.of(each.between(0, begin_ns) for each in group),
        {service: Durations.of(mine) for service, mine in services.items()},
    )
