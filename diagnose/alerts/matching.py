"""Which findings a channel wants, and when it wants to be left alone."""

from __future__ import annotations

from datetime import datetime, time
from fnmatch import fnmatchcase

from diagnose.models import AlertChannel, Finding


def wants(channel: AlertChannel, finding: Finding) -> bool:
    """Sure enough, costly enough, and of what the channel is for."""
    return (
        finding.confidence >= channel.least_confidence
        and finding.impact_share >= channel.least_impact
        and _matches(channel.rules, finding.rule)
        and _matches(channel.hosts, finding.host.name)
        and _matches(channel.services, finding.service)
    )


def _matches(patterns: str, text: str) -> bool:
    """One of several shell patterns, separated by commas or spaces; none takes all."""
    given = patterns.replace(",", " ").split()
    return not given or any(fnmatchcase(text, pattern) for pattern in given)


def is_quiet(channel: AlertChannel, now: datetime) -> bool:
    """Quiet hours in UTC, which may go over midnight."""
    start, end = channel.quiet_from, channel.quiet_to
    if start is None or end is None or start == end:
        return False
    at: time = now.time()
    return start <= at < end if start < end else at >= start or at < end
