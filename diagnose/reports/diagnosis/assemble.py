"""A report on a scope and a window, put together from the findings, what they rest on, and where the time went."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from diagnose.findings import describe, query
from diagnose.models import Finding, Host
from diagnose.reports import finding_groups, triage
from diagnose.reports.collectors import probe_lines
from diagnose.reports.diagnosis import pictures, words
from diagnose.reports.diagnosis.document import (
    VERSION,
    Cause,
    Changed,
    Document,
    Function,
    Note,
    Scope,
    Span,
    Time,
    Watched,
)
from diagnose.reports.finding_groups import Group
from diagnose.store import facts, flamegraph, hosts, profiles

# A longer report is not read; the counts in its summary are of all.
MOST_CAUSES = 20
_MOST_FINDINGS = 500
_MOST_SERVICES, _MOST_FUNCTIONS = 3, 8
_MOST_TIMES, _MOST_CHANGES = 12, 100
# Where the time went is read host by host.
_MOST_HOSTS_IN_DETAIL = 5


def assemble(scope: Scope, span: Span, made_by: str, now: datetime) -> Document:
    """Everything a report holds. A fleet's has where the time went for the hosts with the worst causes only."""
    records = _records(scope, span)
    described = [describe.as_json(record) for record in records]
    groups = finding_groups.fold(described)
    by_id = {record.id: record for record in records}
    causes = [_cause(group, by_id[group.root["id"]], now) for group in groups[:MOST_CAUSES]]
    covered = _hosts(scope, groups)
    return Document(
        version=VERSION,
        title=words.title(scope, span),
        summary=words.summary(groups, scope, span),
        scope=scope,
        span=span,
        made_at=now,
        made_by=made_by,
        causes=causes,
        time=_time(covered[:_MOST_HOSTS_IN_DETAIL], scope, span),
        functions=_functions(scope, span),
        changes=_changes(covered, span),
        hosts=[_watched(row) for row in covered],
    )


def _records(scope: Scope, span: Span) -> Sequence[Finding]:
    host = None if scope.host_id is None else Host.objects.filter(pk=scope.host_id).first()
    found = query.list_findings(
        "all", host=host, service=scope.service or None, since=span.start, until=span.end
    )
    return list(found.prefetch_related("notes")[:_MOST_FINDINGS])


def _cause(group: Group, record: Finding, now: datetime) -> Cause:
    return Cause(
        finding=group.root,
        symptoms=group.symptoms,
        pictures=pictures.of_finding(record, group.root, now),
        notes=[Note(each.at, each.actor, each.kind, each.text) for each in record.notes.all()],
    )


def _hosts(scope: Scope, groups: Sequence[Group]) -> list[hosts.HostRow]:
    """Those of the scope, the ones with the worst causes first."""
    every = hosts.hosts()
    if scope.host_id is not None:
        return [row for row in every if row.id == scope.host_id]
    order = {group.root["subject"]["host_id"]: place for place, group in reversed(list(enumerate(groups)))}
    concerned = every if scope.kind == "fleet" else [row for row in every if row.id in order]
    return sorted(concerned, key=lambda row: (order.get(row.id, len(order)), row.name))


def _time(covered: Sequence[hosts.HostRow], scope: Scope, span: Span) -> list[Time]:
    found = [
        Time(row.name, each.service, round(each.threads, 2), _rounded(each.shares))
        for row in covered
        for each in triage.of_host(row.id, _ns(span.start), _ns(span.end))
        if not scope.service or each.service == scope.service
    ]
    return found[:_MOST_TIMES]


def _rounded(shares: Any) -> dict[str, float]:
    return {state: round(share, 4) for state, share in shares.items()}


def _functions(scope: Scope, span: Span) -> list[Function]:
    """Of the services that used most CPU, or of the one that the report is on."""
    host_ids = () if scope.host_id is None else (scope.host_id,)
    stored = profiles.services(host_ids, _ns(span.start), _ns(span.end))
    seen = dict.fromkeys(each.service for each in stored if each.type == "cpu")
    if scope.service:
        seen = dict.fromkeys([scope.service] if scope.service in seen else [])
    merged = {
        service: profiles.merge(profiles.Selector(service, "cpu", host_ids), _ns(span.start), _ns(span.end))
        for service in seen
    }
    dearest = sorted(merged, key=lambda service: -int(merged[service].counts.sum()))[:_MOST_SERVICES]
    return [line for service in dearest for line in _dearest(service, merged[service])]


def _dearest(service: str, merged: profiles.Merged) -> list[Function]:
    whole = max(1, int(merged.counts.sum()))
    return [
        Function(
            service, row.name, row.file, row.line, round(row.self / whole, 4), round(row.total / whole, 4)
        )
        for row in flamegraph.top(service, merged, _MOST_FUNCTIONS)
    ]


def _changes(covered: Sequence[hosts.HostRow], span: Span) -> list[Changed]:
    """The latest first."""
    found = [
        Changed(change.at, row.name, change.name, change.before, change.after)
        for row in covered
        for change in facts.changes(row.id, _ns(span.start), _ns(span.end))
    ]
    return sorted(found, key=lambda change: change.at, reverse=True)[:_MOST_CHANGES]


def _watched(row: hosts.HostRow) -> Watched:
    lacking = [(each.row.probe, each.row.reason) for each in probe_lines(row.id) if each.word == "lacks"]
    return Watched(row.name, row.last_seen_at, row.lost_batches, lacking)


def _ns(moment: datetime) -> int:
    return int(moment.timestamp() * 1e9)
