"""A recorded fault as if the host had just sent it."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from diagnose.findings import query
from diagnose.findings.evaluate import evaluate_host
from diagnose.models import Finding, Host
from tests.diagnose.correlate.windows import recorded
from tests.diagnose.findings.stored import store


def record(host: Host, window: str) -> Finding:
    """The worst finding of it."""
    now = datetime.now(UTC)
    store(host, recorded(window), now)
    Host.objects.filter(pk=host.pk).update(last_seen_at=now)
    evaluate_host(host.pk, now + timedelta(seconds=1))
    return query.list_findings("open")[0]
