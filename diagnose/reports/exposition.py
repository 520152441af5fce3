"""What a Prometheus scrapes: this installation's own health, and what is found on each host.

Cardinality is bounded: a handful of series a host, and one for each host, service and rule with an open finding.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from datetime import datetime
from importlib.metadata import version
from typing import get_args

import redis
from django.db.models import Count, Max, Q, Sum
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric

from diagnose import queue
from diagnose.models import Finding, Host, IngestGap, QuarantinedBatch
from diagnose.reports.host_list import State, state_of
from diagnose.store import disk

# Of the worst open findings; what is beyond counts in `diagnose_open_findings` all the same.
MOST_FINDINGS = 5_000
_OPEN = Finding.State.OPEN


def families(now: datetime) -> Iterator[Metric]:
    """Eight queries, however many hosts there are."""
    build = GaugeMetricFamily("diagnose_build_info", "Version of the server.", labels=["version"])
    build.add_metric([version("diagnose")], 1)
    yield build
    yield from _hosts(now)
    yield from _findings()
    yield from _queue()
    yield from _room()


def _hosts(now: datetime) -> Iterator[Metric]:
    rows = list(Host.objects.order_by("name", "pk").values_list("name", "last_seen_at"))
    states = Counter(state_of(seen, now) for _, seen in rows)
    hosts = GaugeMetricFamily("diagnose_hosts", "Hosts by how long ago they were heard of.", labels=["state"])
    for state in get_args(State):
        hosts.add_metric([state], states[state])
    yield hosts
    seen_at = GaugeMetricFamily(
        "diagnose_host_last_seen_timestamp_seconds", "When a host's last batch came.", labels=["host"]
    )
    for name, seen in rows:
        if seen is not None:
            seen_at.add_metric([name], seen.timestamp())
    yield seen_at
    quarantined = QuarantinedBatch.objects.aggregate(found=Count("id"))["found"]
    yield GaugeMetricFamily("diagnose_quarantined_batches", "Batches that could not be read.", quarantined)


def _findings() -> Iterator[Metric]:
    counts = GaugeMetricFamily("diagnose_open_findings", "Open root causes of a host.", labels=["host"])
    roots = Finding.objects.filter(state=_OPEN, explained_by=None)
    for host, found in roots.values_list("host__name").annotate(Count("id")).order_by("host__name"):
        counts.add_metric([host], found)
    yield counts
    labels = ["host", "service", "rule", "role"]
    confidence = GaugeMetricFamily(
        "diagnose_finding_confidence_ratio", "Confidence of an open finding.", labels=labels
    )
    impact = GaugeMetricFamily(
        "diagnose_finding_impact_ratio", "Share of users' time or requests that it costs.", labels=labels
    )
    worst = (
        Finding.objects.filter(state=_OPEN)
        .annotate(root=Q(explained_by=None))
        .values("host__name", "service", "rule", "root")
        .annotate(confidence=Max("confidence"), impact=Max("impact_share"))
        .order_by("-impact", "host__name", "rule")[:MOST_FINDINGS]
    )
    for row in worst:
        role = "cause" if row["root"] else "symptom"
        where = [row["host__name"], row["service"], row["rule"], role]
        confidence.add_metric(where, row["confidence"])
        impact.add_metric(where, row["impact"])
    yield from (confidence, impact)


def _queue() -> Iterator[Metric]:
    """Absent while the queue is away, which `up` of the scrape does not tell; hence a series of its own."""
    answers = GaugeMetricFamily("diagnose_queue_up", "Whether the queue (REDIS_URL) answers.")
    try:
        waiting = int(queue.client().zcard(queue.WAITING))
    except redis.RedisError:
        answers.add_metric([], 0)
        yield answers
        return
    answers.add_metric([], 1)
    yield answers
    yield GaugeMetricFamily("diagnose_waiting_batches", "Batches that wait to be written.", waiting)


def _room() -> Iterator[Metric]:
    room = disk.room()
    yield GaugeMetricFamily("diagnose_disk_free_bytes", "Free where telemetry is kept.", room.free_bytes)
    yield GaugeMetricFamily(
        "diagnose_disk_full", "1 when nothing new is stored for want of space.", int(room.is_full)
    )
    lost = IngestGap.objects.aggregate(found=Sum("last_seq") - Sum("first_seq") + Count("id"))["found"] or 0
    yield CounterMetricFamily("diagnose_lost_batches", "Batches that their collectors had to drop.", lost)
