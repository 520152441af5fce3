"""What has to be told now: one row for each channel, finding and episode, made once whoever looks how often."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta

from diagnose.alerts import channels, matching
from diagnose.models import AlertChannel, AlertDelivery, Finding

_OPENED, _RESOLVED = AlertDelivery.Kind.OPENED, AlertDelivery.Kind.RESOLVED
# A finding that is over soon after it opened was told in good time; one that closed longer ago is no news.
_NEWS = timedelta(hours=1)


def look(now: datetime) -> int:
    """How many new things there are to tell."""
    enabled = list(AlertChannel.objects.filter(enabled=True))
    if not enabled:
        return 0
    wanted = [*_opened(enabled, now), *_resolved(now)]
    AlertDelivery.objects.bulk_create(wanted, ignore_conflicts=True)
    _repeat(enabled, now)
    return len(wanted)


def _opened(enabled: list[AlertChannel], now: datetime) -> Iterator[AlertDelivery]:
    """Root causes only: a symptom is told with its cause."""
    roots = Finding.objects.filter(state=Finding.State.OPEN, explained_by=None).select_related("host")
    told = set(
        AlertDelivery.objects.filter(kind=_OPENED, finding__closed_at=None).values_list(
            "channel_id", "finding_id", "episode_at"
        )
    )
    for finding in roots:
        for channel in enabled:
            known = (channel.pk, finding.pk, finding.since) in told
            if known or not matching.wants(channel, finding) or matching.is_quiet(channel, now):
                continue
            yield AlertDelivery(
                channel=channel, finding=finding, kind=_OPENED, episode_at=finding.since, due_at=now
            )


def _resolved(now: datetime) -> Iterator[AlertDelivery]:
    """Of what was told to be there."""
    over = AlertDelivery.objects.filter(
        kind=_OPENED,
        state=AlertDelivery.State.SENT,
        channel__enabled=True,
        channel__tell_resolved=True,
        finding__closed_at__gte=now - _NEWS,
    ).select_related("channel", "finding")
    for row in over:
        yield AlertDelivery(
            channel=row.channel, finding=row.finding, kind=_RESOLVED, episode_at=row.episode_at, due_at=now
        )


def _repeat(enabled: list[AlertChannel], now: datetime) -> None:
    """What lasts is told again, as often as its channel wants."""
    for channel in enabled:
        kind = channels.of(channel.kind)
        every = kind.REPEAT_SECONDS if kind and kind.REPEAT_SECONDS else channel.repeat_hours * 3600
        if every:
            AlertDelivery.objects.filter(
                channel=channel,
                kind=_OPENED,
                state=AlertDelivery.State.SENT,
                finding__state=Finding.State.OPEN,
                sent_at__lte=now - timedelta(seconds=every),
            ).update(state=AlertDelivery.State.WAITING, due_at=now, attempts=0)
