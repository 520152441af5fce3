"""How many connections come in at each listener, and from how many networks."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from diagnose.correlate.samples import Samples, Series

READS = ("tcp_incoming_connections_total", "listener_source_connections_total")

RECENT_SECONDS = 30.0


@dataclass(frozen=True, slots=True)
class Arrivals:
    """`per_second` over the last passes; the network that most came from, and its share 0…1, None where not read."""

    listener: str
    netns: str
    per_second: float
    lasting_seconds: float
    source: str
    source_share: float | None


@dataclass(frozen=True, slots=True)
class Incoming:
    """By listener and network namespace."""

    listeners: Mapping[tuple[str, str], Arrivals]

    @classmethod
    def derive(cls, samples: Samples) -> Incoming | None:
        begin_ns = samples.end_ns - int(RECENT_SECONDS * 1e9)
        series = samples.of("tcp_incoming_connections_total")
        if not series:
            return None
        sources: dict[tuple[str, str], dict[str, float]] = {}
        for each in samples.of("listener_source_connections_total"):
            prefixes = sources.setdefault(_key(each), {})
            prefixes[each.labels.get("prefix", "")] = each.since(begin_ns).total
        return cls({_key(each): _arrivals(each, begin_ns, sources.get(_key(each), {})) for each in series})


def _key(series: Series) -> tuple[str, str]:
    return series.labels.get("listener", ""), series.labels.get("netns", "")


def _arrivals(series: Series, begin_ns: int, sources: Mapping[str, float]) -> Arrivals:
    recent = series.since(begin_ns)
    before = max(0, len(series.values) - len(recent.values) - 1)
    seconds = float(series.times_ns[-1] - series.times_ns[before]) / 1e9 if len(recent.values) else 0.0
    # The first reading's own interval is not known; without one before it, it is left out.
    counted = recent.total - (float(recent.values[0]) if before == 0 and len(recent.values) else 0.0)
    every = sum(sources.values())
    source = max(sources, key=lambda prefix: sources[prefix], default="")
    return Arrivals(
        *_key(series),
        per_second=counted / seconds if seconds > 0 else 0.0,
        lasting_seconds=seconds,
        source=source if every else "",
        source_share=sources[source] / every if every else None,
    )
