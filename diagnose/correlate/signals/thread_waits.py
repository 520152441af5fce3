"""What the threads of each service wait for, from their system calls, and how many of them at one address."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from diagnose.correlate.samples import Samples

READS = ("service_threads_waiting", "service_threads_on_one_futex", "service_threads_rearming_futex")

# s; readings come every ten
RECENT_SECONDS = 40.0


@dataclass(frozen=True, slots=True)
class ThreadWaitsOf:
    """One service. Mean numbers of threads: `waiting` by kind; `on_one_lock` at one address without a timeout."""

    service: str
    waiting: Mapping[str, float]
    on_one_lock: float
    on_one_timed_lock: float
    for_interpreter: float

    def on(self, *kinds: str) -> float:
        return sum(self.waiting.get(kind, 0.0) for kind in kinds)


@dataclass(frozen=True, slots=True)
class ThreadWaits:
    """By service, of those whose threads were looked at lately."""

    by_service: Mapping[str, ThreadWaitsOf]

    @classmethod
    def derive(cls, samples: Samples) -> ThreadWaits | None:
        kinds = _means("service_threads_waiting", "wait", samples)
        one = _means("service_threads_on_one_futex", "timed", samples)
        again = _means("service_threads_rearming_futex", "", samples)
        found = {
            service: ThreadWaitsOf(
                service,
                waiting,
                one.get(service, {}).get("no", 0.0),
                one.get(service, {}).get("yes", 0.0),
                again.get(service, {}).get("", 0.0),
            )
            for service, waiting in kinds.items()
        }
        return cls(found) if found else None


def _means(metric: str, label: str, samples: Samples) -> dict[str, dict[str, float]]:
    """Of the recent readings, by service and label."""
    found: dict[str, dict[str, float]] = {}
    since_ns = samples.end_ns - int(RECENT_SECONDS * 1e9)
    for series in samples.of(metric):
        recent = series.since(since_ns).values
        if len(recent):
            of_service = found.setdefault(series.labels.get("service", ""), {})
            of_service[series.labels.get(label, "")] = float(recent.mean())
    return found
