"""The form of a new capture: what there is on the chosen host, and what a link has filled in."""

from __future__ import annotations

import time
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import Any

from diagnose.captures import kinds
from diagnose.captures.kinds import Kind
from diagnose.captures.request import MAX_HZ, MAX_SECONDS, MIN_HZ, MIN_SECONDS
from diagnose.models import Host
from diagnose.reports import process_table
from diagnose.reports.process_table import ProcessRow
from diagnose.reports.readings import Readings
from diagnose.store.hosts import HostRow

# The groups of kinds that fit a process, by what it is, the best first.
_GROUPS = {"python": ("Python", "Any program"), "go": ("Go", "Any program")}
_OTHERS, _UNKNOWN = ("Any program",), ("Python", "Any program", "Go")


@dataclass(frozen=True, slots=True)
class ServiceChoice:
    """A service with running processes; `runtime` is that of most of them."""

    name: str
    processes: int
    runtime: str


@dataclass(frozen=True, slots=True)
class KindChoice:
    """`missing` says why the host cannot take it, '' when it can."""

    kind: Kind
    missing: str


def fill(hosts: Sequence[HostRow], given: Mapping[str, str], whole: bool) -> dict[str, Any]:
    """The context of `_capture_form.html`. `host`, `service`, `pid`, `type`, `reason` are filled in when given.

    Without `whole`, what is long is left out: processes and other hosts.
    """
    host = chosen_host(hosts, given.get("host", ""))
    processes = _processes(host.id) if host and whole else []
    choices = kinds_of(host)
    services = service_choices(processes)
    runtime = next((row.runtime for row in processes if str(row.pid) == given.get("pid")), None)
    if runtime is None:
        runtime = next((each.runtime for each in services if each.name == given.get("service")), "")
    return {
        "hosts": hosts,
        "host": host,
        "others": [each for each in hosts if host and each.id != host.id] if whole else [],
        "services": [(each, each.name == given.get("service") and not given.get("pid")) for each in services],
        "processes": [(row, str(row.pid) == given.get("pid")) for row in busiest_first(processes)],
        "pid": "" if given.get("pid") in {str(row.pid) for row in processes} else given.get("pid", ""),
        "kinds": [(group, list(some)) for group, some in groupby(choices, lambda each: each.kind.group)],
        "kind": chosen_kind(choices, given.get("type", ""), runtime),
        "missing": by_reason(choices),
        "lacking": sum(bool(each.missing) for each in choices),
        "reason": given.get("reason", "")[:500],
        "seconds": (MIN_SECONDS, MAX_SECONDS),
        "hz": (MIN_HZ, MAX_HZ),
    }


def _processes(host_id: int) -> list[ProcessRow]:
    known = Readings.of_host(host_id, process_table.METRICS)
    return process_table.process_rows(known, time.time_ns())


def chosen_host(hosts: Sequence[HostRow], given: str) -> HostRow | None:
    """The one asked for by id or name, else the only or the first one."""
    named = [host for host in hosts if given in {str(host.id), host.name}]
    return next(iter(named or hosts), None)


def kinds_of(host: HostRow | None) -> list[KindChoice]:
    known = Host.objects.filter(pk=host.id).first() if host else None
    missing = kinds.reasons(known) if known else {}
    return [KindChoice(kind, missing.get(kind.name, "")) for kind in kinds.ALL]


def by_reason(choices: Sequence[KindChoice]) -> list[tuple[str, list[str]]]:
    """Why the host cannot take them, each reason once with the kinds that it keeps away."""
    found: dict[str, list[str]] = defaultdict(list)
    for each in choices:
        if each.missing:
            found[each.missing].append(each.kind.full_title)
    return list(found.items())


def chosen_kind(choices: Sequence[KindChoice], given: str, runtime: str) -> str:
    """What the link asks for, a kind or a type of profile, else what fits the process; of what the host can take."""
    groups = _GROUPS.get(runtime.rstrip("0123456789."), _OTHERS if runtime else _UNKNOWN)
    able = [each.kind for each in choices if not each.missing]
    fitting = [kind for group in groups for kind in able if kind.group == group]
    wanted = (
        *(kind.name for kind in able if kind.name == given),
        *(kind.name for kind in (*fitting, *able) if given in kind.types),
        *(kind.name for kind in (*fitting, *able)),
    )
    return next(iter(wanted), "")


def busiest_first(processes: Sequence[ProcessRow]) -> list[ProcessRow]:
    """Those whose language is known come first, the busiest before the others."""
    return sorted(processes, key=lambda row: (not row.profiled, -(row.cpus or 0.0), row.pid))


def service_choices(processes: Sequence[ProcessRow]) -> list[ServiceChoice]:
    """Python services first, then by name."""
    by_name: dict[str, list[ProcessRow]] = defaultdict(list)
    for row in processes:
        if row.service:
            by_name[row.service].append(row)
    found = [ServiceChoice(name, len(rows), _runtime(rows)) for name, rows in by_name.items()]
    return sorted(found, key=lambda each: (not each.runtime.startswith("python"), each.name.casefold()))


def _runtime(rows: Sequence[ProcessRow]) -> str:
    names = [row.runtime for row in rows]
    python = [name for name in names if name.startswith("python")]
    return max(python or names, key=names.count)
