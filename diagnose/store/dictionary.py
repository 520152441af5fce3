"""Numbers for services, frames and stacks: dense per service, the same in every process, for ever.

What a process has met it remembers; the rest is looked up by digest, and only what nobody has met takes the write
lock. A remembered number is one whose transaction was committed, and belongs to the service row it was made for.
"""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from functools import reduce
from hashlib import blake2b
from itertools import chain, count, groupby
from operator import itemgetter, or_
from typing import Any, NamedTuple

import numpy as np
from django.db import models, transaction
from numpy.typing import NDArray

from diagnose.models import Frame, Service, Stack

_CACHED_SERVICES = 256
_LOOKUP = 500


class FrameInfo(NamedTuple):
    """One source position; line 0 is unknown."""

    name: str
    file: str
    line: int
    module: str


# What is looked up are plain tuples: a profile has thousands, and a named one costs five times as much to make.
FrameKey = tuple[str, str, int, str]  # as FrameInfo
StackKey = tuple[str, bytes]  # thread; little-endian uint32 array of frame numbers, root first


class Paths(NamedTuple):
    """Stacks of frame indexes, root first, one after the other: the first `lengths[0]` of `frames` and so on."""

    frames: NDArray[np.int64]
    lengths: NDArray[np.int64]


@dataclass(slots=True)
class _Known:
    frames: dict[FrameKey, int] = field(default_factory=dict)
    stacks: dict[StackKey, int] = field(default_factory=dict)


_Model = type[Frame] | type[Stack]

_lock = threading.Lock()
_known: OrderedDict[tuple[int, datetime], _Known] = OrderedDict()


def identity_of(service: Service) -> tuple[int, datetime]:
    """Tells a service from another that got the same id after the first was deleted."""
    return service.pk, service.first_seen_at


def services_of(names: Iterable[str]) -> dict[str, Service]:
    """The services of these names, made where they are new."""
    wanted = set(names)
    found = {service.name: service for service in Service.objects.filter(name__in=wanted)}
    return found | {name: Service.objects.get_or_create(name=name)[0] for name in wanted - found.keys()}


def flattened(stacks: Sequence[Sequence[int]]) -> Paths:
    """Raises OverflowError for what does not fit into 64 bits."""
    lengths = np.fromiter(map(len, stacks), np.int64, len(stacks))
    return Paths(np.fromiter(chain.from_iterable(stacks), np.int64, int(lengths.sum())), lengths)


class Recording(NamedTuple):
    """Stacks of one service: `paths` hold indexes into `frames`, the i-th was seen in `threads[i]`."""

    service: Service
    frames: Sequence[FrameKey]
    paths: Paths
    threads: Sequence[str]


def stack_numbers(
    service: Service, frames: Sequence[FrameKey], paths: Paths, threads: Sequence[str]
) -> NDArray[np.uint32]:
    """The number of each stack of one recording."""
    return all_stack_numbers([Recording(service, frames, paths, threads)])[0]


def all_stack_numbers(recordings: Sequence[Recording]) -> list[NDArray[np.uint32]]:
    """The number of each stack of each recording; what is new in all of them is looked up and added together."""
    known = [_known_of(one.service) for one in recordings]
    frames = _numbers(
        Frame, [_Wanted(one.service, k.frames, one.frames) for one, k in zip(recordings, known, strict=True)]
    )
    keys = [_stack_keys(one, numbers) for one, numbers in zip(recordings, frames, strict=True)]
    wanted = [_Wanted(one.service, k.stacks, ks) for one, k, ks in zip(recordings, known, keys, strict=True)]
    return [np.array(numbers, np.uint32) for numbers in _numbers(Stack, wanted)]


def _stack_keys(recording: Recording, frame_numbers: list[int]) -> list[StackKey]:
    paths = recording.paths
    raw = np.array(frame_numbers, "<u4")[paths.frames].tobytes()
    ends = np.cumsum(paths.lengths) * 4
    begins = (ends - paths.lengths * 4).tolist()
    cuts = zip(recording.threads, begins, ends.tolist(), strict=True)
    return [(thread, raw[begin:end]) for thread, begin, end in cuts]


def _known_of(service: Service) -> _Known:
    with _lock:
        known = _known.pop(identity_of(service), None) or _Known()
        _known[identity_of(service)] = known
        if len(_known) > _CACHED_SERVICES:
            _known.popitem(last=False)
    return known


class _Wanted(NamedTuple):
    """Keys of one service whose numbers are asked for, and those that this process knows."""

    service: Service
    known: dict[Any, int]
    keys: Sequence[Any]


_Named = tuple[int, bytes]  # service id, digest: names a row in the whole table


def _numbers(model: _Model, wanted: Sequence[_Wanted]) -> list[list[int]]:
    """The number of each key, from memory or else from the table, where new ones are added."""
    numbers = [list(map(one.known.get, one.keys)) for one in wanted]
    missing = [
        {
            key: (one.service.pk, _digest(key))
            for key, number in zip(one.keys, mine, strict=True)
            if number is None
        }
        if None in mine
        else {}
        for one, mine in zip(wanted, numbers, strict=True)
    ]
    if any(missing):
        found = _stored(model, {name: key for each in missing for key, name in each.items()})
        for one, mine, each in zip(wanted, numbers, missing, strict=True):
            _fill(mine, one, {key: found[name] for key, name in each.items()})
    return numbers  # type: ignore[return-value]


def _fill(numbers: list[int | None], wanted: _Wanted, learned: dict[Any, int]) -> None:
    if learned:
        numbers[:] = [
            learned[key] if number is None else number
            for key, number in zip(wanted.keys, numbers, strict=True)
        ]
        # Inside a caller's transaction the new rows may yet be rolled back, and their numbers given to others.
        transaction.on_commit(lambda: wanted.known.update(learned))


def _stored(model: _Model, missing: dict[_Named, Any]) -> dict[_Named, int]:
    found = _found(model, missing)
    if len(found) < len(missing):
        found |= _add(model, {name: key for name, key in missing.items() if name not in found})
    return found


def _found(model: _Model, names: Collection[_Named]) -> dict[_Named, int]:
    found: dict[_Named, int] = {}
    ordered = sorted(names)
    for begin in range(0, len(ordered), _LOOKUP):
        chosen = groupby(ordered[begin : begin + _LOOKUP], key=itemgetter(0))
        each = (models.Q(service=service, digest__in=[digest for _, digest in of]) for service, of in chosen)
        rows = model._default_manager.filter(reduce(or_, each)).values_list("service", "digest", "number")
        found |= {(service, bytes(digest)): number for service, digest, number in rows}
    return found


def _add(model: _Model, missing: dict[_Named, Any]) -> dict[_Named, int]:
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
            model(service_id=name[0], number=number, digest=name[1], **_fields(missing[name]))
            for name, number in numbers.items()
        ]
        model._default_manager.bulk_create(rows)  # type: ignore[arg-type]
    return found | numbers


def _next_numbers(model: _Model, service: int) -> Iterator[int]:
    """Counts on from the service's highest number, which an index has at hand; grouped by service it would not."""
    top = model._default_manager.filter(service=service).aggregate(top=models.Max("number"))["top"]
    return count(0 if top is None else top + 1)


def _digest(key: FrameKey | StackKey) -> bytes:
    if len(key) == 2:
        return blake2b(key[0].encode() + b"\0" + key[1], digest_size=16).digest()
    return blake2b("\0".join(map(str, key)).encode(), digest_size=16).digest()


def _fields(key: FrameKey | StackKey) -> dict[str, Any]:
    names = ("thread", "frames") if len(key) == 2 else FrameInfo._fields
    return dict(zip(names, key, strict=True))
