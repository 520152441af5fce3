"""A service side by side on each of its hosts, and where the time of its threads goes on all of them together."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from diagnose.correlate.triage import STATES, Triage
from diagnose.reports import service_list, triage
from diagnose.reports.readings import Readings
from diagnose.reports.service_list import ServiceRow

_MEMORY = "process_resident_memory_bytes"
METRICS = (*triage.METRICS, *service_list.METRICS, _MEMORY)
# Each takes a look at the host's readings; a fleet's mean does not change much by more of them.
_MOST_HOSTS = 30
# threads
_IDLE = 0.005


@dataclass(frozen=True, slots=True)
class HostOfService:
    """One service on one host; `triage` is None when its threads were not looked at."""

    host_id: int
    name: str
    row: ServiceRow
    triage: Triage | None

    @property
    def mostly(self) -> str:
        """Where most time goes that is not idle; '' when nothing is known, or all is idle."""
        return triage.WORDS[self.triage.heaviest] if self.triage and self.triage.busy >= _IDLE else ""


def hosts_of(
    service: str, readings: Readings, names: Mapping[int, str], start_ns: int, end_ns: int
) -> list[HostOfService]:
    """The busiest first. `readings` have METRICS of all hosts, of this service only."""
    found = []
    for host_id, known in list(readings.by_host().items())[:_MOST_HOSTS]:
        rows = service_list.service_rows(known, {}, start_ns, end_ns)
        times = triage.of_readings(host_id, known, start_ns, end_ns)
        row = next((one for one in rows if one.service == service), None)
        time = next((one for one in times if one.service == service), None)
        if host_id in names and (row or time):
            found.append(HostOfService(host_id, names[host_id], row or ServiceRow(service), time))
    return sorted(found, key=lambda one: (-(one.row.rate or 0), -(one.row.cpus or 0), one.name))


def whole(service: str, hosts: list[HostOfService]) -> Triage | None:
    """Of all hosts' threads: each host weighs as many as it has."""
    known = [one.triage for one in hosts if one.triage and one.triage.threads]
    threads = sum(one.threads for one in known)
    if not known or not threads:
        return None
    shares = {state: sum(one.shares[state] * one.threads for one in known) / threads for state in STATES}
    return Triage(
        service, threads, shares, tuple({each.what: each for one in known for each in one.unknown}.values())
    )
