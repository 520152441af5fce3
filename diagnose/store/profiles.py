"""Profiles as the rest of the server asks for them: by service name, type, hosts, labels and time."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

import numpy as np
from numpy.typing import NDArray

from diagnose.models import Service
from diagnose.store import backend
from diagnose.store.blob import Counts, Ids
from diagnose.store.protocols import GroupSum, ProfileFilter
from diagnose.store.spelledstacks import SpelledStacks
from diagnose.store.sums import in_samples, together
from diagnose.store.trie import trie_of

# They tell what there is at a moment, not what came to it in a time.
SNAPSHOTS = frozenset({"inuse_space", "goroutine"})


@dataclass(frozen=True, slots=True)
class Selector:
    """`host_ids` empty means all hosts; `capture_id` names one capture, otherwise only continuous profiles count.

    `labels` are of the profile (pid, version, endpoint …); `thread` names one thread, None means all.
    """

    service: str
    type: str
    host_ids: tuple[int, ...] = ()
    labels: Mapping[str, str] = field(default_factory=dict)
    capture_id: str | None = None
    thread: str | None = None


@dataclass(frozen=True, slots=True)
class Merged:
    """Profiles added up: `stack_ids` ascending, `counts` in `unit`, each worth `period_ns`.

    Sampled at several rates, `counts` are samples of the mean period: they weigh right and add up to those taken.

    `seconds` is the observed time of all of them together, `corrupt` how many could not be read and are left out.
    Of SNAPSHOTS counts and seconds are the mean of one. `spelled` has the stacks of what is not in the store, whose
    `stack_ids` are places in it.
    """

    stack_ids: Ids
    counts: Counts
    period_ns: int
    unit: str
    profiles: int
    seconds: float
    type: str = ""
    corrupt: int = 0
    spelled: SpelledStacks | None = None


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
        return empty(selector.type)
    sums = backend.profile_store().merge(filter_of(service, selector), start_ns, end_ns)
    found = _combined(sums) if sums else empty(selector.type)
    return found if selector.thread is None else _of_thread(service, selector.thread, found)


def merge_all(parts: Sequence[tuple[Selector, int, int]]) -> Merged:
    """Several selections of one service, type and thread as one, each of its own half-open range."""
    selector = parts[0][0]
    service = Service.objects.filter(name=selector.service).first()
    if service is None:
        return empty(selector.type)
    store = backend.profile_store()
    first = [store.merge(filter_of(service, one), start, end)[:1] for one, start, end in parts]
    sums = [one for found in first for one in found]
    sums = [one for one in sums if one.group.unit == sums[0].group.unit]
    if not sums:
        return empty(selector.type)
    whole = GroupSum(
        sums[0].group,
        together([one.total for one in sums]),
        sum(one.profiles for one in sums),
        sum(one.seconds for one in sums),
    )
    found = _combined([whole])
    return found if selector.thread is None else _of_thread(service, selector.thread, found)


def filter_of(service: Service, selector: Selector) -> ProfileFilter:
    """What the store below is asked for; threads are part of its stacks."""
    return ProfileFilter(
        service.pk,
        selector.type,
        tuple(selector.host_ids),
        tuple(sorted(selector.labels.items())),
        selector.capture_id,
    )


def _of_thread(service: Service, thread: str, found: Merged) -> Merged:
    kept = in_thread(service, thread, found.stack_ids)
    return replace(found, stack_ids=found.stack_ids[kept], counts=found.counts[kept])


def in_thread(service: Service, thread: str, stack_ids: Ids) -> NDArray[np.bool_]:
    """Which of the stacks are of the thread of that name."""
    tree = trie_of(service).covering(int(stack_ids.max()) + 1 if len(stack_ids) else 0)
    number = tree.threads.index(thread) if thread in tree.threads else -1
    known = stack_ids < len(tree.thread_of_stack)
    found = np.zeros(len(stack_ids), np.bool_)
    found[known] = tree.thread_of_stack[stack_ids[known]] == number
    return found


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


def empty(kind: str) -> Merged:
    return Merged(np.empty(0, np.uint32), np.empty(0, np.int64), 0, "samples", 0, 0.0, kind)


def _combined(sums: list[GroupSum]) -> Merged:
    """The unit of most profiles; another unit measures something else and is left out."""
    first = sums[0]
    total = in_samples(first.total)
    added = Merged(
        total.stack_ids,
        total.counts,
        total.period_ns,
        first.group.unit,
        first.profiles,
        first.seconds,
        first.group.type,
        sum(one.total.corrupt for one in sums),
    )
    return _mean(added) if added.type in SNAPSHOTS and added.profiles > 1 else added


def _mean(added: Merged) -> Merged:
    """Of several snapshots: what a process held for a minute is no more than what it held. No stack vanishes."""
    counts = np.maximum(1, np.rint(added.counts / added.profiles)).astype(np.int64)
    return replace(added, counts=counts, seconds=added.seconds / added.profiles)
