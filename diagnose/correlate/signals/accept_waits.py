"""How long established connections wait until a service accepts them, by listener, lately."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from diagnose.correlate.durations import Durations
from diagnose.correlate.samples import Histogram, Samples

READS: tuple[str, ...] = ()
HISTOGRAMS = ("accept_wait_seconds",)

# s; the probe tells them every ten
RECENT_SECONDS = 45.0


@dataclass(frozen=True, slots=True)
class AcceptWaits:
    """By service."""

    by_service: Mapping[str, Durations]

    @classmethod
    def derive(cls, samples: Samples) -> AcceptWaits | None:
        since_ns = samples.end_ns - int(RECENT_SECONDS * 1e9)
        groups: dict[str, list[Histogram]] = {}
        for each in samples.histograms_of("accept_wait_seconds"):
            recent = each.between(since_ns, samples.end_ns + 1)
            groups.setdefault(each.labels.get("service", ""), []).append(recent)
        found = {service: Durations.of(group) for service, group in groups.items()}
        known = {service: durations for service, durations in found.items() if durations.count}
        return cls(known) if known else None
