"""Numbers for services, frames and stacks: dense per service, the same in every process, for ever.

What a process has met it remembers; the rest is looked up by digest, and only what nobody has met takes the write
lock. A remembered number is one whose transaction was committed, and belongs to the service row it was made for.
"""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from hashlib import blake2b
from itertools import chain
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


def stack_numbers(
    service: Service, frames: Sequence[FrameKey], paths: Paths, threads: Sequence[str]
) -> NDArray[np.uint32]:
    """The number of each stack: `paths` hold indexes into `frames`, the i-th was seen in `threads[i]`."""
    known = _known_of(service)
    numbers = np.array(_numbers(service, Frame, known.frames, frames), "<u4")
    raw = numbers[paths.frames].tobytes()
    ends = np.cumsum(paths.lengths) * 4
    begins = (ends - paths.lengths * 4).tolist()
    cuts = zip(threads, begins, ends.tolist(), strict=True)
    keys = [(thread, raw[begin:end]) for thread, begin, end in cuts]
    return np.array(_numbers(service, Stack, known.stacks, keys), np.uint32)


def _known_of(service: Service) -> _Known:
    with _lock:
        known = _known.pop(identity_of(service), None) or _Known()
        _known[identity_of(service)] = known
        if len(_known) > _CACHED_SERVICES:
            _known.popitem(last=False)
    return known


def _numbers(
    service: Service,
    model: type[Frame] | type[Stack],
    known: dict[Any, int],
    keys: Sequence[Any],
) -> list[int]:
    """The number of each key, from memory or else from the table, where new ones are added."""
    numbers = [known.get(key) for key in keys]
    missing = {key for key, number in zip(keys, numbers, strict=True) if number is None}
    if not missing:
        return [number for number in numbers if number is not None]
    digests = {key: _digest(key) for key in dict.fromkeys(keys) if key in missing}
    found = _found(service, model, digests.values())
    if len(found) < len(set(digests.values())):
        found |= _add(service, model, {d: key for key, d in digests.items() if d not in found})
    learned = {key: found[digest] for key, digest in digests.items()}
    # Inside a caller's transaction the new rows may yet be rolled back, and their numbers given to others.
    transaction.on_commit(lambda: known.update(learned))
    return [learned[key] if number is None else number for key, number in zip(keys, numbers, strict=True)]


def _found(service: Service, model: type[Frame] | type[Stack], digests: Iterable[bytes]) -> dict[bytes, int]:
    wanted = list(digests)
    found: dict[bytes, int] = {}
    for begin in range(0, len(wanted), _LOOKUP):
        rows = model._default_manager.filter(service=service, digest__in=wanted[begin : begin + _LOOKUP])
        found |= {bytes(digest): number for digest, number in rows.values_list("digest", "number")}
    return found


def _add(
    service: Service,
    model: type[Frame] | type[Stack],
    missing: dict[bytes, Any],
) -> dict[bytes, int]:
    """Give the next numbers to those that are still missing under the lock of the service's row."""
    with transaction.atomic():
        Service.objects.select_for_update().get(pk=service.pk)
        found = _found(service, model, missing)
        top = model._default_manager.filter(service=service).aggregate(top=models.Max("number"))["top"]
        following = 0 if top is None else top + 1
        new = [digest for digest in missing if digest not in found]
        numbers = {digest: following + offset for offset, digest in enumerate(new)}
        rows = (
            {"service": service, "number": number, "digest": digest, **_fields(missing[digest])}
            for digest, number in numbers.items()
        )
        model._default_manager.bulk_create([model(**row) for row in rows])  # type: ignore[misc]
    return found | numbers


def _digest(key: FrameKey | StackKey) -> bytes:
    if len(key) == 2:
        return blake2b(key[0].encode() + b"\0" + key[1], digest_size=16).digest()
    return blake2b("\0".join(map(str, key)).encode(), digest_size=16).digest()


def _fields(key: FrameKey | StackKey) -> dict[str, Any]:
    names = ("thread", "frames") if len(key) == 2 else FrameInfo._fields
    return dict(zip(names, key, strict=True))
