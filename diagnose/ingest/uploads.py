"""Profiles that people bring as files: read once to see that they can be, kept, added up when they are looked at."""

from __future__ import annotations

from functools import lru_cache
from pathlib import Path

import numpy as np
from django.conf import settings

from collectors.formats.profile import BadProfile, Profile, ValueType
from diagnose.access import audit
from diagnose.access.actor import Actor
from diagnose.access.problems import Problem
from diagnose.ingest.formats import recognised
from diagnose.ingest.formats.text import cut
from diagnose.models import Upload
from diagnose.store.names import FrameInfo
from diagnose.store.profiles import Merged
from diagnose.store.spelledstacks import SpelledStacks

# The oldest go first.
MOST_UPLOADS = 200
_NAME_CHARS, _FRAME_CHARS = 200, 1_000
_CACHED = 4
_UNITS = {"count": "count", "bytes": "bytes", "nanoseconds": "nanoseconds"}


def keep(name: str, data: bytes, actor: Actor) -> Upload:
    """Raises Problem 422 for what is no profile, with what would be one."""
    try:
        format_, profile = recognised.read(data)
    except BadProfile as error:
        detail = f"{name[:80]!r} cannot be read: {error}."
        raise Problem(422, "Not a profile", detail, {"body": str(error)}) from None
    if not profile.samples:
        raise Problem(422, "Not a profile", f"{name[:80]!r} has no samples: record for longer.")
    upload = Upload(name=cut(name, _NAME_CHARS), format=format_, values=_values(profile), bytes=len(data))
    upload.uploaded_by = actor.name[:_NAME_CHARS]
    path = _path(upload.id)
    path.parent.mkdir(mode=0o700, exist_ok=True)
    path.write_bytes(data)
    upload.save()
    audit.record(actor, "upload profile", upload.name, id=upload.id, bytes=len(data))
    for old in Upload.objects.all()[MOST_UPLOADS:]:
        _forget(old)
    return upload


def get(upload_id: str) -> Upload:
    """Raises Problem 404."""
    found = Upload.objects.filter(pk=upload_id[:26]).first()
    if found is None or len(upload_id) > 26:
        detail = f"There is no file {upload_id[:40]!r}; GET /api/v1/profiles/uploads lists them."
        raise Problem(404, "No such file", detail)
    return found


def delete(upload: Upload, actor: Actor) -> None:
    audit.record(actor, "delete uploaded profile", upload.name, id=upload.id)
    _forget(upload)


def merged(upload: Upload, value: str = "") -> Merged:
    """What its samples count under that name, '' for the first. Raises Problem 422, and 410 when the bytes are gone."""
    chosen = value or upload.values[0]
    if chosen not in upload.values:
        known = ", ".join(upload.values)
        raise Problem(
            422, "Query does not fit", f"value={value[:40]!r} is not in {upload.name}: use {known}."
        )
    try:
        return _merged(upload.id, chosen)
    except FileNotFoundError:
        raise Problem(
            410, "No longer kept", f"The bytes of {upload.name} are gone; upload it again."
        ) from None


@lru_cache(_CACHED)
def _merged(upload_id: str, value: str) -> Merged:
    _, profile = recognised.read(_path(upload_id).read_bytes())
    column = [each.type for each in profile.value_types].index(value)
    unit, period_ns = _meaning(profile, profile.value_types[column])
    stacks: dict[tuple[str, int], int] = {}
    counts: list[int] = []
    for sample in profile.samples:
        place = stacks.setdefault((sample.thread, sample.stack), len(stacks))
        if place == len(counts):
            counts.append(0)
        counts[place] += max(0, sample.values[column])
    paths = [np.array(stack, np.int64) for stack in profile.stacks]
    frames = [
        FrameInfo(_short(each.name), _short(each.file), each.line, _short(each.module))
        for each in profile.frames
    ]
    return Merged(
        np.arange(len(counts), dtype=np.uint32),
        np.array(counts, np.int64),
        period_ns,
        unit,
        1,
        profile.duration_ns / 1e9,
        value,
        spelled=SpelledStacks(frames, [(thread, paths[stack]) for thread, stack in stacks]),
    )


def _short(text: str) -> str:
    return cut(text, _FRAME_CHARS)


def _values(profile: Profile) -> list[str]:
    """Samples of a known period first, as they tell both; else what the file shows by default, or its last."""
    names = [each.type for each in profile.value_types]
    sampled = [each.type for each in profile.value_types if _meaning(profile, each)[0] == "samples"]
    first = sampled[0] if sampled else profile.default_type if profile.default_type in names else names[-1]
    return list(dict.fromkeys([first, *names]))


def _meaning(profile: Profile, value: ValueType) -> tuple[str, int]:
    """Unit and period: samples stand for the period of a profile that says one in time."""
    if value == ValueType("samples", "count"):
        timed = profile.period_type.unit == "nanoseconds"
        return "samples", profile.period if timed else 0
    return _UNITS.get(value.unit, "count"), 1


def _path(upload_id: str) -> Path:
    return Path(settings.DATA_DIR) / "uploads" / upload_id


def _forget(upload: Upload) -> None:
    _path(upload.id).unlink(missing_ok=True)
    upload.delete()
