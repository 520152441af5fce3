"""TLS handshakes of each listener lately: how many were resumed, what they cost, and where clients come from."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from diagnose.correlate.durations import Durations
from diagnose.correlate.samples import Samples, Series

READS = ("tls_handshakes_total", "listener_source_connections_total", "ebpf_observed_seconds_total")
HISTOGRAMS = ("tls_handshake_seconds",)

RECENT_SECONDS = 40.0


@dataclass(frozen=True, slots=True)
class Handshakes:
    """One listener. Rates are per second of the `seconds` that were watched; `versions` are shares of all.

    `source_share` 0…1: of its connections, from the network that most come from; None where not counted.
    """

    listener: str
    netns: str
    service: str
    full: float
    resumed: float
    seconds: float
    versions: Mapping[str, float]
    full_seconds: Durations
    resumed_seconds: Durations
    source: str
    source_share: float | None

    @property
    def resumed_share(self) -> float:
        return self.resumed / (self.full + self.resumed) if self.full + self.resumed else 0.0


@dataclass(frozen=True, slots=True)
class TlsHandshakes:
    """Listeners that answered any. It is there, and empty, where the probe watched and saw none."""

    listeners: tuple[Handshakes, ...]

    @classmethod
    def derive(cls, samples: Samples) -> TlsHandshakes | None:
        begin_ns = samples.end_ns - int(RECENT_SECONDS * 1e9)
        watched = samples.grouped("ebpf_observed_seconds_total", "probe").get("tls_handshakes", ())
        seconds = sum(each.since(begin_ns).total for each in watched)
        if not seconds:
            return None
        groups: dict[tuple[str, str, str], list[Series]] = {}
        for each in samples.of("tls_handshakes_total"):
            key = _key(each.labels)
            groups.setdefault(key, []).append(each.since(begin_ns))
        return cls(tuple(_of(key, group, samples, begin_ns, seconds) for key, group in groups.items()))


def _key(labels: Mapping[str, str]) -> tuple[str, str, str]:
    return labels.get("listener", ""), labels.get("netns", ""), labels.get("service", "")


def _of(
    key: tuple[str, str, str], group: list[Series], samples: Samples, begin_ns: int, seconds: float
) -> Handshakes:
    listener, netns, service = key
    versions: dict[str, float] = {}
    resumed = {"yes": 0.0, "no": 0.0}
    for each in group:
        resumed[each.labels.get("resumed", "no")] += each.total
        version = each.labels.get("version", "")
        versions[version] = versions.get(version, 0.0) + each.total
    every = sum(resumed.values())
    source, share = _source(listener, netns, samples, begin_ns)
    return Handshakes(
        listener=listener,
        netns=netns,
        service=service,
        full=resumed["no"] / seconds,
        resumed=resumed["yes"] / seconds,
        seconds=seconds,
        versions={version: count / every for version, count in versions.items()} if every else {},
        full_seconds=_times(key, "no", samples, begin_ns),
        resumed_seconds=_times(key, "yes", samples, begin_ns),
        source=source,
        source_share=share,
    )


def _times(key: tuple[str, str, str], resumed: str, samples: Samples, begin_ns: int) -> Durations:
    return Durations.of(
        each.between(begin_ns, samples.end_ns + 1)
        for each in samples.histograms_of("tls_handshake_seconds")
        if _key(each.labels) == key and each.labels.get("resumed") == resumed
    )


def _source(listener: str, netns: str, samples: Samples, begin_ns: int) -> tuple[str, float | None]:
    prefixes: dict[str, float] = {}
    for each in samples.grouped("listener_source_connections_total", "listener").get(listener, ()):
        if each.labels.get("netns", "") == netns:
            prefixes[each.labels.get("prefix", "")] = each.since(begin_ns).total
    every = sum(prefixes.values())
    if not every:
        return "", None
    most = max(prefixes, key=lambda prefix: prefixes[prefix])
    return most, prefixes[most] / every
