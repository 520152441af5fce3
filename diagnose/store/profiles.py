"""Profiles as the rest of the server asks for them: by service name, type, hosts, labels and time."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np

from diagnose.models import Service
from diagnose.store import backend
from diagnose.store.blob import Counts, Ids, summed
from diagnose.store.protocols import GroupSum, ProfileFilter


@dataclass(frozen=True, slots=True)
class Selector:
    """`host_ids` empty means all hosts; `capture_id` names one capture, otherwise only continuous profiles count."""

    service: str
    type: str
    host_ids: tuple[int, ...] = ()
    labels: Mapping[str, str] = field(default_factory=dict)
    capture_id: str | None = None


@dataclass(frozen=True, slots=True)
class Merged:
    """Profiles added up: `stack_ids` ascending, `counts` in `unit`, each worth `period_ns`.

    `seconds` is the observed time of all of them together, `corrupt` how many could not be read and are left out.
    """

    stack_ids: Ids
    counts: Counts
    period_ns: int
    unit: str
    profiles: int
    seconds: float
    type: str = ""
    corrupt: int = 0


@dataclass(frozen=True, slots=True)
class ProfiledService:
    """What is stored of one service on one host in a range."""

    service: str
    host_id: int
    type: str
    profiles: int
    seconds: float


def merge(selector: Selector, start_ns: int, end_ns: int) -> Merged:
    """All profiles that began in the half-open range; an empty one when there are none."""
    service = Service.objects.filter(name=selector.service).first()
    if service is None:
        return _empty(selector.type)
    which = ProfileFilter(
        service.pk,
        selector.type,
        tuple(selector.host_ids),
        tuple(sorted(selector.labels.items())),
        selector.capture_id,
    )
    sums = backend.profile_store().merge(which, start_ns, end_ns)
    return _combined(sums) if sums else _empty(selector.type)


def services(host_ids: tuple[int, ...], start_ns: int, end_ns: int) -> list[ProfiledService]:
    """What was profiled in the range, ordered by service, type and host; `host_ids` empty means all."""
    stored = backend.profile_store().stored(tuple(host_ids), start_ns, end_ns)
    names = dict(Service.objects.filter(pk__in={one.service_id for one in stored}).values_list("pk", "name"))
    found = [
        ProfiledService(names[one.service_id], one.host_id, one.type, one.profiles, one.seconds)
        for one in stored
        if one.service_id in names
    ]
    return sorted(found, key=lambda one: (one.service, one.type, one.host_id))


def _empty(kind: str) -> Merged:
    return Merged(np.empty(0, np.uint32), np.empty(0, np.int64), 0, "samples", 0, 0.0, kind)


def _combined(sums: list[GroupSum]) -> Merged:
    """One unit and period: that of most profiles. Counts of another period are converted, other units left out."""
    first = sums[0].group
    same_unit = [one for one in sums if one.group.unit == first.unit]
    ids, counts = sums[0].stack_ids, sums[0].counts
    if len(same_unit) > 1:
        parts = [_in_periods_of(one, first.period_ns) for one in same_unit]
        ids, counts = summed(np.concatenate([one.stack_ids for one in same_unit]), np.concatenate(parts))
    return Merged(
        ids,
        counts,
        first.period_ns,
        first.unit,
        sum(one.profiles for one in same_unit),
        sum(one.seconds for one in same_unit),
        first.type,
        sum(one.corrupt for one in sums),
    )


def _in_periods_of(one: GroupSum, period_ns: int) -> Counts:
    if one.group.period_ns == period_ns or period_ns == 0:
        return one.counts
    converted: Counts = np.rint(one.counts * (one.group.period_ns / period_ns)).astype(np.int64)
    return converted
