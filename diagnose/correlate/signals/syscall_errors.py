"""System calls that failed lately because something ran out, by service."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from diagnose.correlate.samples import Samples

READS = ("syscall_errors_total", "ebpf_observed_seconds_total")

RECENT_SECONDS = 30.0


@dataclass(frozen=True, slots=True)
class SyscallErrors:
    """Failures of the last `RECENT_SECONDS` by (service, call, error). It is there, and empty, where the probe counted
    and nothing failed."""

    failures: Mapping[tuple[str, str, str], float]

    @classmethod
    def derive(cls, samples: Samples) -> SyscallErrors | None:
        watched = any(
            each.labels.get("probe") == "syscall_errors" for each in samples.of("ebpf_observed_seconds_total")
        )
        series = samples.of("syscall_errors_total")
        if not watched and not series:
            return None
        begin_ns = samples.end_ns - int(RECENT_SECONDS * 1e9)
        found: dict[tuple[str, str, str], float] = {}
        for each in series:
            labels = each.labels
            key = labels.get("service", ""), labels.get("syscall", ""), labels.get("error", "")
            if total := each.since(begin_ns).total:
                found[key] = found.get(key, 0.0) + total
        return cls(found)

    def of(self, error: str, *calls: str) -> dict[str, float]:
        """Failures by service, most first; of any call unless some are named."""
        found: dict[str, float] = {}
        for (service, call, name), count in self.failures.items():
            if name == error and (not calls or call in calls):
                found[service] = found.get(service, 0.0) + count
        return dict(sorted(found.items(), key=lambda item: -item[1]))
