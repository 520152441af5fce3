"""Numbers for services, frames and stacks: dense per service, the same in every process, for ever.

Frames and stacks are told apart by the digests that come with them, stacks by that and their thread. What a process has
met it remembers by digest; what others added since is loaded, and only what nobody has met is put into words and takes
the write lock. A remembered number is one whose transaction was committed, and belongs to the service row it was
made for.
"""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from itertools import count
from typing import Any, NamedTuple

import numpy as np
from django.db import connection, transaction
from numpy.typing import NDArray

from diagnose.models import Frame, Service, Stack
from diagnose.store import digests
from diagnose.store.digests import Lanes
from diagnose.store.names import FrameInfo, Names, Spelled, given
from diagnose.store.numberindex import NumberIndex

_CACHED_SERVICES = 256
_THREAD_CHARS = 200


class Recording(NamedTuple):
    """Samples of one service: the i-th is of the path `paths[i]` in the thread `threads[i]` of its names."""

    service: Service
    paths: NDArray[np.integer[Any]]
    threads: NDArray[np.integer[Any]]


@dataclass(slots=True)
class _Known:
    """A service's numbers by digest: all below `next_frame` and `next_stack`."""

    frames: dict[bytes, int] = field(default_factory=dict)
    stacks: NumberIndex = field(default_factory=NumberIndex)
    next_frame: int = 0
    next_stack: int = 0


_Model = type[Frame] | type[Stack]
_Named = tuple[int, bytes]  # service id, digest: names a row in the whole table

_lock = threading.Lock()
_known: OrderedDict[tuple[int, datetime], _Known] = OrderedDict()


def identity_of(service: Service) -> tuple[int, datetime]:
    """Tells a service from another that got the same id after the first was deleted."""
    return service.pk, service.first_seen_at


def services_of(names: Iterable[str]) -> dict[str, Service]:
    """The services of these names, made where they are new."""
    wanted = set(names)
    if not wanted:
        return {}
    found = {service.name: service for service in Service.objects.filter(name__in=wanted)}
    return found | {name: Service.objects.get_or_create(name=name)[0] for name in wanted - found.keys()}


def stack_numbers(
    service: Service, frames: Sequence[FrameInfo], stacks: Sequence[Sequence[int]], threads: Sequence[str]
) -> NDArray[np.uint32]:
    """The number of each of these stacks of frames, root first; the i-th was seen in `threads[i]`."""
    each = np.arange(len(threads))
    return all_stack_numbers(given(frames, stacks, threads), [Recording(service, each, each)])[0]


def all_stack_numbers(names: Names, recordings: Sequence[Recording]) -> list[NDArray[np.uint32]]:
    """The number of the stack of each sample; what is new in all of them is looked up and added together."""
    by_service: dict[int, list[int]] = {}
    for index, one in enumerate(recordings):
        by_service.setdefault(one.service.pk, []).append(index)
    lanes = _Lanes(digests.of_numbers(names.path_digests), digests.of_texts(names.threads))
    asked = {
        service: _asked(lanes, [recordings[index] for index in mine]) for service, mine in by_service.items()
    }
    new = [one for one in asked.values() if len(one.new)]
    if new:
        found = _learned(names, new)
        for each in new:
            each.numbers[each.new] = [found[name] for name in each.names()]
    numbers: dict[int, NDArray[np.uint32]] = {}
    for service, mine in by_service.items():
        ends = np.cumsum([len(recordings[index].paths) for index in mine])
        numbers |= zip(mine, np.split(asked[service].numbers.astype(np.uint32), ends[:-1]), strict=True)
    return [numbers[index] for index in range(len(recordings))]


class _Lanes(NamedTuple):
    """Digests of a batch's paths and threads."""

    paths: Lanes
    threads: Lanes


class _Asked(NamedTuple):
    """Samples of a service: their stacks' digests, their numbers, and which of them this process has not met."""

    recording: Recording
    known: _Known
    since: int  # below this number all were searched
    lanes: Lanes
    numbers: NDArray[np.int64]
    new: NDArray[np.int64]

    def names(self) -> list[_Named]:
        service = self.recording.service.pk
        return [(service, digest) for digest in digests.in_bytes(self.lanes[:, self.new])]


def _asked(batch: _Lanes, recordings: Sequence[Recording]) -> _Asked:
    """Of recordings of one service, as one."""
    paths = np.concatenate([one.paths for one in recordings])
    threads = np.concatenate([one.threads for one in recordings])
    recording = Recording(recordings[0].service, paths, threads)
    known = _known_of(recording.service)
    lanes = digests.of_rows(batch.paths.take(paths, axis=1), batch.threads.take(threads, axis=1))
    since = known.next_stack
    numbers = known.stacks.find(lanes)
    return _Asked(recording, known, since, lanes, numbers, np.flatnonzero(numbers < 0))


class _Place(NamedTuple):
    """Where a batch has a stack that this process has not met."""

    path: int
    thread: int


def _learned(names: Names, asked: Sequence[_Asked]) -> dict[_Named, int]:
    """The numbers of all new stacks: what others added is loaded, what nobody has met is added."""
    missing: dict[_Named, _Place] = {}
    for one in asked:
        paths, threads = one.recording.paths[one.new].tolist(), one.recording.threads[one.new].tolist()
        for name, path, thread in zip(one.names(), paths, threads, strict=True):
            missing[name] = _Place(path, thread)
    known = {one.recording.service.pk: one.known for one in asked}
    since = {one.recording.service.pk: one.since for one in asked}
    found = _loaded(Stack, since)
    if missing.keys() <= found.keys():
        _remember_when_committed(known, {}, found)
        return found
    spelled = names.spell({place.path for name, place in missing.items() if name not in found})
    with transaction.atomic():
        _lock_services(known)
        found = _loaded(Stack, since)
        new = {name: place for name, place in missing.items() if name not in found}
        frames = _Frames(known)
        found |= _add(Stack, _stack_fields(names, spelled, new, frames), since, found)
        _remember_when_committed(known, frames.found, found)
    return found


def _lock_services(services: Collection[int]) -> None:
    """All in one order: two workers that lock the same services never wait for each other."""
    rows = Service.objects.select_for_update().filter(pk__in=services).order_by("pk")
    gone = set(services) - set(rows.values_list("pk", flat=True))
    if gone:
        raise Service.DoesNotExist(f"services {gone} were deleted while a batch was written")


def _stack_fields(
    names: Names, spelled: Spelled, new: Mapping[_Named, _Place], frames: _Frames
) -> dict[_Named, tuple[Any, ...]]:
    """What new stacks consist of; their frames get numbers first."""
    used: dict[int, dict[bytes, None]] = {}
    for (service, _), place in new.items():
        used.setdefault(service, {}).update(dict.fromkeys(spelled.paths[place.path]))
    numbers = {service: frames.numbers(service, mine, spelled.frames) for service, mine in used.items()}
    return {
        (service, digest): (
            names.threads[place.thread][:_THREAD_CHARS],
            np.array([numbers[service][frame] for frame in spelled.paths[place.path]], "<u4").tobytes(),
        )
        for (service, digest), place in new.items()
    }


class _Frames:
    """Numbers of frames while their services are locked; `found` is what was loaded or added meanwhile."""

    def __init__(self, known: Mapping[int, _Known]) -> None:
        self._known = known
        self._since = {service: each.next_frame for service, each in known.items()}
        self.found = _loaded(Frame, self._since)

    def numbers(
        self, service: int, used: Collection[bytes], infos: Mapping[bytes, FrameInfo]
    ) -> dict[bytes, int]:
        """By digest."""
        known = self._known[service].frames
        new: dict[_Named, tuple[Any, ...]] = {
            (service, digest): infos[digest]
            for digest in used
            if digest not in known and (service, digest) not in self.found
        }
        self.found |= _add(Frame, new, {service: self._since[service]}, self.found)
        return {digest: known[digest] if digest in known else self.found[service, digest] for digest in used}


def _loaded(model: _Model, since: Mapping[int, int]) -> dict[_Named, int]:
    """What the table has from these numbers on, by service: what was added since this process has last looked."""
    found: dict[_Named, int] = {}
    for service, first in since.items():
        rows = model._default_manager.filter(service=service, number__gte=first)
        found |= {(service, bytes(digest)): number for digest, number in rows.values_list("digest", "number")}
    return found


def _add(
    model: _Model,
    new: Mapping[_Named, tuple[Any, ...]],
    since: Mapping[int, int],
    found: Mapping[_Named, int],
) -> dict[_Named, int]:
    """Give the next numbers to these, while their services are locked; `found` is what the table has `since`."""
    following = dict(since)
    for (service, _), number in found.items():
        if service in following:
            following[service] = max(following[service], number + 1)
    counters = {service: count(first) for service, first in following.items()}
    numbers = {name: next(counters[name[0]]) for name in new}
    columns = ("thread", "frames") if model is Stack else FrameInfo._fields
    # Thousands at once when a service is first met: the ORM would take five times as long.
    sql = (
        f"INSERT INTO {model._meta.db_table} (service_id, number, digest, {', '.join(columns)}) "  # noqa: S608
        f"VALUES ({', '.join(['%s'] * (3 + len(columns)))})"
    )
    rows = [(name[0], number, name[1], *new[name]) for name, number in numbers.items()]
    with connection.cursor() as cursor:
        cursor.executemany(sql, rows)
    return numbers


def _remember_when_committed(
    known: Mapping[int, _Known], frames: Mapping[_Named, int], stacks: Mapping[_Named, int]
) -> None:
    """Inside a caller's transaction the new rows may yet be rolled back, and their numbers given to others."""

    def remember() -> None:
        for service, each in known.items():
            mine = {digest: number for (of, digest), number in stacks.items() if of == service}
            added = {digest: number for (of, digest), number in frames.items() if of == service}
            each.stacks.add(digests.from_bytes(mine), np.array([*mine.values()], np.int64))
            each.frames.update(added)
            each.next_stack = max(each.next_stack, 1 + max(mine.values(), default=-1))
            each.next_frame = max(each.next_frame, 1 + max(added.values(), default=-1))

    transaction.on_commit(remember)


def _known_of(service: Service) -> _Known:
    with _lock:
        known = _known.pop(identity_of(service), None) or _Known()
        _known[identity_of(service)] = known
        if len(_known) > _CACHED_SERVICES:
            _known.popitem(last=False)
    return known
