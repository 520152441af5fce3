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


class StackKey(NamedTuple):
    """A stack in a named thread; `frames` is a little-endian uint32 array of frame numbers, root first."""

    thread: str
    frames: bytes


@dataclass(slots=True)
class _Known:
    frames: dict[FrameInfo, int] = field(default_factory=dict)
    stacks: dict[StackKey, int] = field(default_factory=dict)


_lock = threading.Lock()
_known: OrderedDict[tuple[int, datetime], _Known] = OrderedDict()


def identity_of(service: Service) -> tuple[int, datetime]:
    """Tells a service from another that got the same id after the first was deleted."""
    return service.pk, service.first_seen_at


def service_of(name: str) -> Service:
    """The service of that name, made when it is new."""
    return Service.objects.get_or_create(name=name)[0]


def stack_numbers(
    service: Service,
    frames: Sequence[FrameInfo],
    stacks: Sequence[Sequence[int]],
    threads: Sequence[str],
) -> NDArray[np.uint32]:
    """The number of each stack: `stacks[i]` holds indexes into `frames`, root first, seen in `threads[i]`."""
    known = _known_of(service)
    numbers = np.array(_numbers(service, Frame, known.frames, frames), "<u4")
    lengths = np.fromiter(map(len, stacks), np.int64, len(stacks))
    flat = np.fromiter((index for stack in stacks for index in stack), np.int64, int(lengths.sum()))
    raw = numbers[flat].tobytes()
    ends = (np.cumsum(lengths) * 4).tolist()
    begins = ((np.cumsum(lengths) - lengths) * 4).tolist()
    keys = [StackKey(thread, raw[i:j]) for thread, i, j in zip(threads, begins, ends, strict=True)]
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
    missing = [key for key in dict.fromkeys(keys) if key not in known]
    if not missing:
        return [known[key] for key in keys]
    digests = {key: _digest(key) for key in missing}
    found = _found(service, model, digests.values())
    if len(found) < len(set(digests.values())):
        found |= _add(service, model, {d: key for key, d in digests.items() if d not in found})
    learned = {key: found[digest] for key, digest in digests.items()}
    # Inside a caller's transaction the new rows may yet be rolled back, and their numbers given to others.
    transaction.on_commit(lambda: known.update(learned))
    return [known[key] if key in known else learned[key] for key in keys]


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
            {"service": service, "number": number, "digest": digest, **missing[digest]._asdict()}
            for digest, number in numbers.items()
        )
        model._default_manager.bulk_create([model(**row) for row in rows])  # type: ignore[misc]
    return found | numbers


def _digest(key: FrameInfo | StackKey) -> bytes:
    if isinstance(key, StackKey):
        return blake2b(key.thread.encode() + b"\0" + key.frames, digest_size=16).digest()
    text = "\0".join((key.name, key.file, str(key.line), key.module))
    return blake2b(text.encode(), digest_size=16).digest()
