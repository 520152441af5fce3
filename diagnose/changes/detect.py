"""Facts that took another value become changes, each once, however late and in whatever order they were read."""

from __future__ import annotations

from django.db import transaction

from diagnose.changes.classify import class_of
from diagnose.models.change import Change
from diagnose.models.host import FactChange

# In one transaction; a fleet that comes back with a day of facts is followed in several.
_AT_ONCE = 500


def detect() -> bool:
    """Whether anything changed since the last call."""
    with transaction.atomic():
        new = FactChange.objects.select_for_update().filter(followed=False).order_by("id")
        rows = list(new[:_AT_ONCE])
        for host_id, name in dict.fromkeys((row.host_id, row.name) for row in rows):
            _forget_disproved(host_id, name)
        Change.objects.bulk_create(
            [change for row in rows if (change := _change(row)) is not None],
            update_conflicts=True,
            unique_fields=["host", "name", "at"],
            update_fields=["before", "after"],
        )
        FactChange.objects.filter(pk__in=[row.pk for row in rows]).update(followed=True)
    return bool(rows)


def _change(row: FactChange) -> Change | None:
    found = class_of(row.name)
    if found is None:
        return None
    return Change(
        host_id=row.host_id,
        service=found.service[:300],
        kind=found.kind,
        name=row.name[:300],
        before=row.before,
        after=row.after,
        at=row.at,
    )


def _forget_disproved(host_id: int, name: str) -> None:
    """A late reading may tell that a change was at another time: the fact's history was written anew."""
    times = list(FactChange.objects.filter(host_id=host_id, name=name).values_list("at", flat=True))
    if times:
        kept = Change.objects.filter(host_id=host_id, name=name, origin=Change.Origin.DETECTED)
        kept.filter(at__gte=min(times)).exclude(at__in=times).delete()
