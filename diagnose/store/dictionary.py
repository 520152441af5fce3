"""Numbers for services, frames and stacks: dense per service, the same in every process, for ever.

Names, frames and stacks are told apart by their digests (`digests`), computed for a whole batch at once. What a process
has met it remembers by digest; the rest is looked up in the tables, and only what nobody has met is spelled out, and
takes the write lock. A remembered number is one whose transaction was committed, and belongs to the service row it was
made for.
"""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from functools import reduce
from itertools import count, groupby
from operator import itemgetter, or_
from typing import Any, NamedTuple

import numpy as np
from django.db import models, transaction
from numpy.typing import NDArray

from diagnose.models import Frame, Service, Stack
from diagnose.store import digests
from diagnose.store.digests import Lanes
from diagnose.store.names import FrameInfo, Names, Paths, spelled_out
from diagnose.store.numberindex import NumberIndex

_CACHED_SERVICES = 256
_LOOKUP = 500
_THREAD_CHARS = 200


class Recording(NamedTuple):
    """Samples of one service: the i-th is of the path `paths[i]` in the thread named by the string `threads[i]`."""

    service: Service
    paths: NDArray[np.integer[Any]]
    threads: NDArray[np.integer[Any]]


@dataclass(slots=True)
class _Known:
    frames: dict[bytes, int] = field(default_factory=dict)
    stacks: NumberIndex = field(default_factory=NumberIndex)


_Model = type[Frame] | type[Stack]
_Named = tuple[int, bytes]  # service id, digest: names a row in the whole table
_Fields = Mapping[str, Any]

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
    service: Service, frames: Sequence[FrameInfo], paths: Paths, threads: Sequence[str]
) -> NDArray[np.uint32]:
    """The number of each of these stacks; the i-th was seen in `threads[i]`."""
    names, at_thread = spelled_out(frames, paths, threads)
    return all_stack_numbers(names, [Recording(service, np.arange(len(threads)), at_thread)])[0]


def all_stack_numbers(names: Names, recordings: Sequence[Recording]) -> list[NDArray[np.uint32]]:
    """The number of the stack of each sample; what is new in all of them is looked up and added together."""
    by_service: dict[int, list[int]] = {}
    for index, one in enumerate(recordings):
        by_service.setdefault(one.service.pk, []).append(index)
    asked = {
        service: _asked(names, [recordings[index] for index in mine]) for service, mine in by_service.items()
    }
    new = [one for one in asked.values() if len(one.new)]
    if new:
        found = _learned(names, new)
        for each in new:
            each.numbers[each.new] = [found[name] for name in each.names()]
        # Inside a caller's transaction the new rows may yet be rolled back, and their numbers given to others.
        transaction.on_commit(lambda: _remember(new))
    numbers: dict[int, NDArray[np.uint32]] = {}
    for service, mine in by_service.items():
        ends = np.cumsum([len(recordings[index].paths) for index in mine])
        numbers |= zip(mine, np.split(asked[service].numbers.astype(np.uint32), ends[:-1]), strict=True)
    return [numbers[index] for index in range(len(recordings))]


class _Asked(NamedTuple):
    """Samples of a service: their stacks' digests, their numbers, and which of them this process has not met."""

    recording: Recording
    known: _Known
    lanes: Lanes
    numbers: NDArray[np.int64]
    new: NDArray[np.int64]

    def names(self) -> list[_Named]:
        service = self.recording.service.pk
        return [(service, digest) for digest in digests.in_bytes(self.lanes[:, self.new])]


def _asked(names: Names, recordings: Sequence[Recording]) -> _Asked:
    """Of recordings of one service, as one."""
    paths = np.concatenate([one.paths for one in recordings])
    threads = np.concatenate([one.threads for one in recordings])
    recording = Recording(recordings[0].service, paths, threads)
    known = _known_of(recording.service)
    lanes = digests.of_rows(names.path_digests.take(paths, axis=1), names.text_digests.take(threads, axis=1))
    numbers = known.stacks.find(lanes)
    return _Asked(recording, known, lanes, numbers, np.flatnonzero(numbers < 0))


def _remember(asked: Sequence[_Asked]) -> None:
    for one in asked:
        lanes, first = np.unique(one.lanes[:, one.new], axis=1, return_index=True)
        one.known.stacks.add(lanes, one.numbers[one.new[first]])


class _Place(NamedTuple):
    """Where a batch spells out a stack that this process has not met."""

    known: _Known
    path: int
    thread: int


def _learned(names: Names, asked: Sequence[_Asked]) -> dict[_Named, int]:
    """The numbers of all new stacks, from the table, where those that nobody has met are added."""
    missing: dict[_Named, _Place] = {}
    for one in asked:
        paths, threads = one.recording.paths[one.new].tolist(), one.recording.threads[one.new].tolist()
        for name, path, thread in zip(one.names(), paths, threads, strict=True):
            missing[name] = _Place(one.known, path, thread)
    found = _found(Stack, missing)
    new = {name: place for name, place in missing.items() if name not in found}
    return found | _add(Stack, _stack_fields(names, new)) if new else found


def _stack_fields(names: Names, new: Mapping[_Named, _Place]) -> dict[_Named, _Fields]:
    """What new stacks consist of; their frames get numbers first."""
    used: dict[int, dict[int, None]] = {}
    for (service, _), place in new.items():
        used.setdefault(service, {}).update(dict.fromkeys(names.path(place.path).tolist()))
    known = {service: place.known for (service, _), place in new.items()}
    frames = _frame_numbers(names, {service: list(each) for service, each in used.items()}, known)
    return {
        (service, digest): {
            "thread": names.string(place.thread)[:_THREAD_CHARS],
            "frames": frames[service][names.path(place.path)].tobytes(),
        }
        for (service, digest), place in new.items()
    }


def _frame_numbers(
    names: Names, used: Mapping[int, list[int]], known: Mapping[int, _Known]
) -> dict[int, NDArray[np.uint32]]:
    """By service, an array that gives the number of each used frame at its index; the others are 0."""
    digest_of = {service: digests.in_bytes(names.frame_digests[:, mine]) for service, mine in used.items()}
    missing = {
        (service, digest): frame
        for service, mine in used.items()
        for digest, frame in zip(digest_of[service], mine, strict=True)
        if digest not in known[service].frames
    }
    found = _found(Frame, missing)
    new = {name: names.frame(frame)._asdict() for name, frame in missing.items() if name not in found}
    if new:
        found |= _add(Frame, new)
    transaction.on_commit(lambda: _remember_frames(known, found))
    numbers = {}
    for service, mine in used.items():
        numbers[service] = np.zeros(names.frames.shape[1], "<u4")
        numbers[service][mine] = [
            found[service, digest] if (service, digest) in found else known[service].frames[digest]
            for digest in digest_of[service]
        ]
    return numbers


def _remember_frames(known: Mapping[int, _Known], found: Mapping[_Named, int]) -> None:
    for (service, digest), number in found.items():
        known[service].frames[digest] = number


def _known_of(service: Service) -> _Known:
    with _lock:
        known = _known.pop(identity_of(service), None) or _Known()
        _known[identity_of(service)] = known
        if len(_known) > _CACHED_SERVICES:
            _known.popitem(last=False)
    return known


def _found(model: _Model, names: Collection[_Named]) -> dict[_Named, int]:
    found: dict[_Named, int] = {}
    ordered = sorted(names)
    for begin in range(0, len(ordered), _LOOKUP):
        chosen = groupby(ordered[begin : begin + _LOOKUP], key=itemgetter(0))
        each = (models.Q(service=service, digest__in=[digest for _, digest in of]) for service, of in chosen)
        rows = model._default_manager.filter(reduce(or_, each)).values_list("service", "digest", "number")
        found |= {(service, bytes(digest)): number for service, digest, number in rows}
    return found


def _add(model: _Model, missing: Mapping[_Named, _Fields]) -> dict[_Named, int]:
    """Give the next numbers to those that are still missing under the locks of the services' rows."""
    services = {service for service, _ in missing}
    with transaction.atomic():
        # All in one order: two workers that lock the same services never wait for each other.
        locked = set(
            Service.objects.select_for_update()
            .filter(pk__in=services)
            .order_by("pk")
            .values_list("pk", flat=True)
        )
        if locked != services:
            raise Service.DoesNotExist(f"services {services - locked} were deleted while a batch was written")
        found = _found(model, missing)
        following = {service: _next_numbers(model, service) for service in services}
        numbers = {name: next(following[name[0]]) for name in missing if name not in found}
        rows = [
            model(service_id=name[0], number=number, digest=name[1], **missing[name])
            for name, number in numbers.items()
        ]
        model._default_manager.bulk_create(rows)  # type: ignore[arg-type]
    return found | numbers


def _next_numbers(model: _Model, service: int) -> Iterator[int]:
    """Counts on from the service's highest number, which an index has at hand; grouped by service it would not."""
    top = model._default_manager.filter(service=service).aggregate(top=models.Max("number"))["top"]
    return count(0 if top is None else top + 1)
