"""`/collectors`: how each host's collector fares; tokens that let hosts in; credentials that end."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import msgspec
from django.utils import timezone

from diagnose.access import bodies, enroll
from diagnose.access.endpoints import ApiRequest, endpoint
from diagnose.access.problems import Problem
from diagnose.installer import script, shelf, versions
from diagnose.models import Host
from diagnose.models.access import Role
from diagnose.reports.collectors import CollectorRow, probe_lines
from diagnose.reports.collectors import collectors as report
from diagnose.store import hosts as store
from diagnose.web.api import collector_answers as answers
from diagnose.web.api import paging, query, scope
from diagnose.web.api.describe import described
from diagnose.web.install import server_url

_MOST = 100
_MOST_HOURS = 24 * 30


class Wanted(msgspec.Struct, frozen=True):
    """`hosts` is how many the token lets in, null for any number; it is good for `hours`, at most 30 days."""

    hosts: int | None = 1
    hours: float = 24.0
    label: str = ""


@endpoint("GET", role=Role.VIEWER)
@described(answer=answers.CollectorList, query=(query.LIMIT, query.AFTER))
def collectors(request: ApiRequest) -> answers.CollectorList:
    """List collectors by the name of their host."""
    shown, following = paging.page_of(request, report(store.hosts(), timezone.now()))
    state = shelf.state()
    return answers.CollectorList(
        versions.OURS,
        "" if state.shelf else state.why_empty,
        script.upgrade_line(server_url(request)),
        [answers.Collector(**_fields(row)) for row in shown],
        following,
    )


@endpoint("GET", role=Role.VIEWER)
@described(answer=answers.CollectorDetail)
def collector(_request: ApiRequest, host_id: int) -> answers.CollectorDetail:
    """One collector with its probes, gaps and unreadable batches."""
    (row,) = report([scope.known(host_id)], timezone.now())
    return answers.CollectorDetail(
        **_fields(row),
        probes=[
            answers.ProbeState(
                each.row.probe, each.word, each.row.reason, each.remedy, each.row.seconds, each.row.updated_at
            )
            for each in probe_lines(host_id)
        ],
        gaps=[
            answers.Gap(each.epoch, each.first_seq, each.last_seq, each.declared_at)
            for each in store.gaps(host_id)[:_MOST]
        ],
        quarantined=[
            answers.Quarantined(each.epoch, each.seq, each.error, each.received_at)
            for each in store.quarantined(host_id)[:_MOST]
        ],
    )


@endpoint("POST", role=Role.OPERATOR)
@described(answer=answers.Invitation, body=Wanted, status=201)
def invite(request: ApiRequest) -> answers.Invitation:
    """Make an enrolment token."""
    wanted = bodies.decode(request, Wanted)
    _check(wanted)
    lifetime = timedelta(hours=wanted.hours)
    secret = enroll.invite(
        request.actor, hosts=wanted.hosts, lifetime=lifetime, label=wanted.label or "POST /collectors/tokens"
    )
    lines = script.lines(server_url(request), secret)
    return answers.Invitation(secret, timezone.now() + lifetime, wanted.hosts, lines)


@endpoint("POST", role=Role.ADMIN)
@described(answer=answers.Revoked)
def revoke(request: ApiRequest, host_id: int) -> answers.Revoked:
    """Refuse this host from now on; what it sent stays, and a new enrolment token lets it in again."""
    scope.known(host_id)
    return answers.Revoked(enroll.expel(request.actor, Host.objects.get(pk=host_id)))


def _check(wanted: Wanted) -> None:
    errors = {}
    if wanted.hosts is not None and wanted.hosts < 1:
        errors["hosts"] = "must be 1 or more, or null for any number"
    if not 0 < wanted.hours <= _MOST_HOURS:
        errors["hours"] = f"must be above 0 and at most {_MOST_HOURS}"
    if len(wanted.label) > 200:
        errors["label"] = "must be at most 200 characters"
    if errors:
        detail = "; ".join(f"{field} {what}" for field, what in errors.items())
        raise Problem(422, "Token cannot be made", f"{detail}.", errors=errors)


def _fields(row: CollectorRow) -> dict[str, Any]:
    host, own = row.host, row.own
    return {
        "host": host.id,
        "name": host.name,
        "state": row.state,
        "version": row.version,
        "old": row.is_old,
        "enrolled": row.enrolled,
        "enrolled_at": host.enrolled_at,
        "last_batch_at": host.last_seen_at,
        "lag_seconds": row.lag_seconds,
        "clock_skew_seconds": host.clock_skew_seconds,
        "cpu_ratio": own.cpus,
        "resident_bytes": own.resident_bytes,
        "spool_batches": own.spool_batches,
        "spool_bytes": own.spool_bytes,
        "slowdown": own.slowdown,
        "lost_batches": host.lost_batches,
        "quarantined_batches": host.quarantined_batches,
        "probes_at_work": row.probes_at_work,
        "probes_off": row.probes_off,
        "probes_lacking": host.failing_probes,
        "url": f"/collectors/{host.id}",
    }
