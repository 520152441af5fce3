"""Tells what is due, each channel in one message, and what failed again later, ever less often."""

from __future__ import annotations

import logging
import threading
from collections import defaultdict
from collections.abc import Sequence
from datetime import datetime, timedelta

from django.conf import settings
from django.db.models import F
from django.utils import timezone

from diagnose.access import sealing
from diagnose.alerts import channels, watch
from diagnose.alerts.message import Message, Notice
from diagnose.alerts.outgoing import Failed
from diagnose.models import AlertChannel, AlertDelivery, Finding

log = logging.getLogger(__name__)
# After each failure; after the last one it is given up, and the log on the page says so.
RETRIES = tuple(timedelta(seconds=seconds) for seconds in (10, 60, 300, 900, 3600))
_MOST_AT_ONCE = 50
_KEPT = timedelta(days=30)
_State = AlertDelivery.State
_telling = threading.Lock()


def run(now: datetime | None = None) -> None:
    """Look what is new and tell it. One thread of a process at a time; the rows keep processes apart."""
    if not _telling.acquire(blocking=False):
        return
    try:
        at = now or timezone.now()
        watch.look(at)
        by_channel: dict[int, list[AlertDelivery]] = defaultdict(list)
        due = AlertDelivery.objects.filter(state=_State.WAITING, due_at__lte=at, channel__enabled=True)
        for row in due.select_related("channel", "finding__host").order_by("id"):
            by_channel[row.channel_id].append(row)
        for rows in by_channel.values():
            tell(rows[0].channel, rows[:_MOST_AT_ONCE], at)
        AlertDelivery.objects.filter(created_at__lt=at - _KEPT).exclude(state=_State.WAITING).delete()
    finally:
        _telling.release()


def tell(channel: AlertChannel, rows: Sequence[AlertDelivery], at: datetime) -> str:
    """Send these together; '' or what went wrong."""
    # Claimed first: a second process that looks meanwhile finds nothing due.
    claimed = AlertDelivery.objects.filter(
        pk__in=[row.pk for row in rows], state=_State.WAITING, due_at__lte=at
    )
    if not claimed.update(attempts=F("attempts") + 1, due_at=at + timedelta(minutes=2)):
        return ""
    rows = [row for row in rows if _still_news(row)]
    message = Message(
        [notice(row) for row in rows if row.finding], at, test=any(not row.finding for row in rows)
    )
    error = "" if not rows else _send(channel, message)
    _settle(rows, at, error)
    return error


def _still_news(row: AlertDelivery) -> bool:
    """What ended while it waited to be told that it began is not told at all."""
    if row.kind == AlertDelivery.Kind.OPENED and row.finding and row.finding.closed_at:
        row.delete()
        return False
    return True


def _send(channel: AlertChannel, message: Message) -> str:
    kind = channels.of(channel.kind)
    if kind is None:
        return f"there is no channel of kind {channel.kind!r} in this version"
    try:
        kind.send(opened(channel), message)
    except (Failed, sealing.Unreadable) as failure:
        return str(failure)
    except Exception as error:  # the task boundary: one channel must not keep the others from being told
        log.exception("channel %s fails", channel.name)
        return f"{type(error).__name__}: see the log of the worker"
    return ""


def _settle(rows: Sequence[AlertDelivery], at: datetime, error: str) -> None:
    for row in rows:
        row.attempts += 1
        row.error = error[:500]
        if not error:
            row.state, row.sent_at, row.times_sent = _State.SENT, at, row.times_sent + 1
        elif row.attempts > len(RETRIES):
            row.state = _State.FAILED
        else:
            row.due_at = at + RETRIES[row.attempts - 1]
        row.save(update_fields=["attempts", "error", "state", "sent_at", "times_sent", "due_at"])


def opened(channel: AlertChannel) -> dict[str, str]:
    """The channel's settings with its secrets. Raises `sealing.Unreadable`."""
    kind = channels.of(channel.kind)
    sealed = {each.name for each in kind.FIELDS if each.secret} if kind else set()
    return {
        name: sealing.unseal(text) if name in sealed and text else text
        for name, text in channel.settings.items()
    }


def notice(row: AlertDelivery) -> Notice:
    """What is told of one finding. It must have one."""
    finding = row.finding
    assert finding is not None
    over = row.kind == AlertDelivery.Kind.RESOLVED
    advice = finding.detail.get("recommendations") or []
    symptoms = finding.explains.filter(state=Finding.State.OPEN).values_list("headline", flat=True)[:5]
    return Notice(
        key=f"{finding.pk}-{int(row.episode_at.timestamp())}",
        status="resolved" if over else "firing",
        rule=finding.rule,
        headline=finding.headline,
        host=finding.host.name,
        service=finding.service,
        confidence=finding.confidence,
        impact=finding.impact_share,
        impact_text=finding.detail["impact"]["text"],
        began_at=row.episode_at,
        ended_at=finding.closed_at if over else None,
        url=f"{settings.PUBLIC_URL}/findings/{finding.pk}",
        advice=_advice(advice[0]) if advice else "",
        symptoms=() if over else tuple(symptoms),
    )


def _advice(first: dict[str, str | None]) -> str:
    if first["current"] is None:
        return f"{first['target']}: {first['proposed']}"
    return f"{first['target']}: {first['current']} → {first['proposed']}"
