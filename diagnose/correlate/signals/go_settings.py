"""What Go services are started with that sizes their runtime: variables, version, and the quotas of their groups."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass

from diagnose.correlate.samples import Samples

# the facts of services have their names in them
READS = ("cgroup_cpu_limit_cores", "cgroup_cpu_throttled_seconds_total", "process_allowed_cpus")

RECENT_SECONDS = 30.0
_FACT = re.compile(
    r"service\.(.+)\.(runtime_version|env\.GOGC|env\.GOMAXPROCS|cgroup\.(?:cpu|unified)|runtime)"
)


@dataclass(frozen=True, slots=True)
class Quota:
    """The least of all levels above a service: the group that has it, and how long it held that back (s/s)."""

    cgroup: str
    cores: float
    held: float


@dataclass(frozen=True, slots=True)
class GoSettings:
    """Facts by service and name, of services that run Go."""

    facts: Mapping[str, Mapping[str, str]]
    quotas: Mapping[str, Quota]
    allowed_cpus: Mapping[str, int]

    def gogc(self, service: str) -> int | None:
        """None where it is not set, or off."""
        return _whole(self.facts.get(service, {}).get("env.GOGC", ""))

    def gomaxprocs(self, service: str) -> int | None:
        """As the environment has it."""
        return _whole(self.facts.get(service, {}).get("env.GOMAXPROCS", ""))

    def version(self, service: str) -> tuple[int, int] | None:
        """Go's, that it was built with."""
        numbers = re.match(r"(\d+)\.(\d+)", self.facts.get(service, {}).get("runtime_version", ""))
        return (int(numbers[1]), int(numbers[2])) if numbers else None

    @classmethod
    def derive(cls, samples: Samples) -> GoSettings | None:
        facts: dict[str, dict[str, str]] = {}
        for name, text in samples.facts.items():
            if match := _FACT.fullmatch(name):
                facts.setdefault(match[1], {})[match[2]] = text
        facts = {service: mine for service, mine in facts.items() if mine.get("runtime") == "go"}
        if not facts:
            return None
        quotas = {service: _quota(mine, samples) for service, mine in facts.items()}
        allowed = {
            each.labels.get("service", ""): int(each.last)
            for each in samples.by_process("process_allowed_cpus").values()
        }
        return cls(facts, {service: quota for service, quota in quotas.items() if quota}, allowed)


def _whole(text: str) -> int | None:
    return int(text) if text.strip().isdecimal() and int(text) else None


def _quota(facts: Mapping[str, str], samples: Samples) -> Quota | None:
    """Any group above may have one, and the least of them binds."""
    mine = [path for path in (facts.get("cgroup.cpu"), facts.get("cgroup.unified")) if path]
    begin_ns = samples.end_ns - int(RECENT_SECONDS * 1e9)
    held = samples.grouped("cgroup_cpu_throttled_seconds_total", "cgroup")
    found = [
        Quota(
            group,
            series[0].last,
            max((each.per_second(begin_ns) or 0.0 for each in held.get(group, ())), default=0.0),
        )
        for group, series in samples.grouped("cgroup_cpu_limit_cores", "cgroup").items()
        if any(path == group or path.startswith(f"{group.rstrip('/')}/") for path in mine)
    ]
    return min(found, key=lambda quota: quota.cores, default=None)
