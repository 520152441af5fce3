"""Numbers for series: one for each (host, metric, labels), the same in every process, as long as anything has it.

A series that no stored day holds is first retired, and forgotten only when two days later it is still retired. Writers
look up again after an hour what they remember, and take back whatever they find retired; so who knew a series before
it was retired has looked it up again, or what he wrote of it has been sealed, long before it could be forgotten.
"""

from __future__ import annotations

import json
import threading
import time
from collections import OrderedDict
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from functools import lru_cache
from hashlib import blake2b, sha256
from itertools import chain
from typing import NamedTuple

import numpy as np
from django.db import connection, transaction
from numpy.typing import NDArray

from diagnose.models import Host, Series

_CACHED_HOSTS = 2000
# Of a host's probes there are a dozen; what processes come and go changes only the blocks of some.
_CACHED_BLOCKS = 64
# Hosts have most of their series' keys in common.
_CACHED_DIGESTS = 20_000
_LOOKUP = 500
# A host's first batch makes hundreds: the ORM took five times as long over them as this statement.
_ROW = "(%s, %s, %s, %s, %s)"
_ADD = f"""
INSERT INTO {Series._meta.db_table} (host_id, metric, labels, counter, digest) VALUES {{rows}}
ON CONFLICT (host_id, digest) DO UPDATE SET retired_at = NULL RETURNING digest, id
"""  # noqa: S608
REMEMBERED_SECONDS = 3600.0
RETIRED_FOR = timedelta(days=2)


class SeriesKey(NamedTuple):
    """What makes two series the same on one host; `labels` in order of their names."""

    metric: str
    labels: tuple[tuple[str, str], ...]


class Definitions(NamedTuple):
    """The keys of some series, and which of these are counters."""

    keys: Sequence[SeriesKey]
    counters: Sequence[bool]


class _Known:
    """A host's series by key, and those of whole blocks of definitions by the block's digest."""

    def __init__(self) -> None:
        self.since = time.time()
        self.series: dict[SeriesKey, int] = {}
        self.blocks: OrderedDict[bytes, NDArray[np.uint32]] = OrderedDict()

    @property
    def is_fresh(self) -> bool:
        """A clock that is set back makes nothing last longer."""
        return 0 <= time.time() - self.since <= REMEMBERED_SECONDS


_lock = threading.Lock()
_known: OrderedDict[tuple[int, datetime], _Known] = OrderedDict()


def key_of(metric: str, labels: Mapping[str, str]) -> SeriesKey:
    return SeriesKey(metric, tuple(sorted(labels.items())))


def block_numbers(host: Host, block: bytes, read: Callable[[bytes], Definitions]) -> NDArray[np.uint32]:
    """The series that `block` defines. The same block comes again and again: only a new one is read."""
    blocks = _known_of(host).blocks
    digest = blake2b(block, digest_size=16).digest()
    numbers = blocks.get(digest)
    if numbers is None:
        numbers = np.array(series_numbers(host, *read(block)), np.uint32)
        transaction.on_commit(lambda: _remember_block(blocks, digest, numbers))
    return numbers


def _remember_block(
    blocks: OrderedDict[bytes, NDArray[np.uint32]], digest: bytes, numbers: NDArray[np.uint32]
) -> None:
    with _lock:
        blocks[digest] = numbers
        if len(blocks) > _CACHED_BLOCKS:
            blocks.popitem(last=False)


def series_numbers(host: Host, keys: Sequence[SeriesKey], counters: Sequence[bool]) -> list[int]:
    """The id of each series, made when it is new; whether it is a counter is settled by who comes first."""
    known = _known_of(host).series
    missing = {key: counter for key, counter in zip(keys, counters, strict=True) if key not in known}
    if not missing:
        return [known[key] for key in keys]
    digests = {key: _digest(key) for key in missing}
    found = _found(host, digests.values())
    if len(found) < len(digests):
        found |= _added(host, {key: counter for key, counter in missing.items() if digests[key] not in found})
    learned = {key: found[digest] for key, digest in digests.items()}
    # Inside a caller's transaction the new rows may yet be rolled back, and their ids given to others.
    transaction.on_commit(lambda: known.update(learned))
    return [known[key] if key in known else learned[key] for key in keys]


def _known_of(host: Host) -> _Known:
    identity = host.pk, host.enrolled_at
    with _lock:
        known = _known.pop(identity, None)
        if known is None or not known.is_fresh:
            known = _Known()
        _known[identity] = known
        if len(_known) > _CACHED_HOSTS:
            _known.popitem(last=False)
    return known


def _found(host: Host, digests: Iterable[str]) -> dict[str, int]:
    wanted = list(digests)
    found: dict[str, int] = {}
    for begin in range(0, len(wanted), _LOOKUP):
        rows = Series.objects.filter(host=host, digest__in=wanted[begin : begin + _LOOKUP])
        stored = list(rows.values_list("digest", "id", "retired_at"))
        if any(retired_at for _, _, retired_at in stored):
            rows.filter(retired_at__isnull=False).update(retired_at=None)
            # Once more, since what was retired may have been forgotten just before it was taken back.
            stored = list(rows.values_list("digest", "id", "retired_at"))
        found |= {digest: number for digest, number, _ in stored}
    return found


def forget_unused(in_use: Collection[int], now: datetime) -> int:
    """Retire series that are not `in_use`, take back those that are again, forget the long retired; how many were."""
    retired = dict(Series.objects.filter(retired_at__isnull=False).values_list("id", "retired_at"))
    everything = set(Series.objects.values_list("id", flat=True))
    _set_retired(retired.keys() & in_use, None)
    _set_retired(everything - retired.keys() - set(in_use), now)
    before = now - RETIRED_FOR
    old = [
        series for series, at in retired.items() if at is not None and at < before and series not in in_use
    ]
    return sum(
        Series.objects.filter(id__in=old[begin : begin + _LOOKUP], retired_at__lt=before).delete()[0]
        for begin in range(0, len(old), _LOOKUP)
    )


def _set_retired(series: Iterable[int], at: datetime | None) -> None:
    chosen = sorted(series)
    for begin in range(0, len(chosen), _LOOKUP):
        Series.objects.filter(id__in=chosen[begin : begin + _LOOKUP]).update(retired_at=at)


def _added(host: Host, missing: Mapping[SeriesKey, bool]) -> dict[str, int]:
    """The numbers by digest of series that were made; another worker may make the same ones right now."""
    rows = [
        (host.pk, key.metric, connection.ops.adapt_json_value(dict(key.labels), None), counter, _digest(key))
        for key, counter in missing.items()
    ]
    added: dict[str, int] = {}
    with connection.cursor() as cursor:
        for begin in range(0, len(rows), _LOOKUP):
            some = rows[begin : begin + _LOOKUP]
            cursor.execute(_ADD.format(rows=", ".join([_ROW] * len(some))), list(chain.from_iterable(some)))
            added |= dict(cursor.fetchall())
    return added


@lru_cache(_CACHED_DIGESTS)
def _digest(key: SeriesKey) -> str:
    text = json.dumps([key.metric, key.labels], ensure_ascii=False, separators=(",", ":"))
    return sha256(text.encode()).hexdigest()[:32]
