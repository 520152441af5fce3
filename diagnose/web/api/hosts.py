"""`/hosts`: who is monitored, and what is known of each."""

from __future__ import annotations

from typing import Any

from diagnose.access.endpoints import ApiRequest, endpoint
from diagnose.findings import outlook, unchecked
from diagnose.models.access import Role
from diagnose.reports import triage as triage_report
from diagnose.store import facts as fact_store
from diagnose.store import hosts as store
from diagnose.store.facts import FactChangeRow
from diagnose.store.hosts import HostRow
from diagnose.web.api import answers, paging, query, scope
from diagnose.web.api.describe import described

_NAME = query.text("name", "Only facts whose name begins so, such as sysctl.net.")
_KIND = query.text("kind", "Only events of this kind.")
_Q = query.text("q", "Only hosts whose name contains this text.")


@endpoint("GET", role=Role.VIEWER)
@described(answer=answers.HostList, query=(_Q, query.LIMIT, query.AFTER))
def hosts(request: ApiRequest) -> answers.HostList:
    """List hosts by name."""
    wanted = _Q.of(request).casefold()
    found = [host for host in store.hosts() if wanted in host.name.casefold()]
    shown, following = paging.page_of(request, found)
    return answers.HostList([answers.Host(**_fields(host)) for host in shown], following)


@endpoint("GET", role=Role.VIEWER)
@described(answer=answers.HostDetail)
def host(_request: ApiRequest, host_id: int) -> answers.HostDetail:
    """One host with the state of its probes, and what could not be checked of it."""
    found = scope.known(host_id)
    probes = [
        answers.Probe(row.probe, row.ok, row.reason, row.seconds, row.updated_at)
        for row in store.probes(host_id)
    ]
    last = unchecked.of_host(host_id)
    unknown = [answers.Unknown(each["what"], each["why"]) for each in last.unknown] if last else []
    evaluation = answers.Evaluation(last.at, last.checked, unknown) if last else None
    return answers.HostDetail(**_fields(found), probes=probes, evaluation=evaluation)


@endpoint("GET", role=Role.VIEWER)
@described(answer=answers.ResourceList)
def forecasts(_request: ApiRequest, host_id: int) -> answers.ResourceList:
    """How long each resource of a host lasts that is filled to a tenth, the first to be full first.

    From the growth of the last six hours, told anew every minute. Times are in seconds from `at`; they are null where
    the level is steady, comes back by itself, levels off, or is too new to tell.
    """
    scope.known(host_id)
    return answers.ResourceList(
        [
            answers.Resource(
                row.resource,
                row.labels,
                row.state,
                row.level,
                row.limit,
                row.per_second,
                row.slowest,
                row.fastest,
                row.seconds,
                row.soonest,
                row.latest,
                row.at,
            )
            for row in outlook.of_host(host_id)
        ]
    )


@endpoint("GET", role=Role.VIEWER)
@described(answer=answers.FactList, query=(query.FROM, query.TO, query.LIMIT, query.AFTER))
def facts(request: ApiRequest, host_id: int) -> answers.FactList:
    """A host's facts, and which of them changed in the range.

    Of the changes as many as `limit`, oldest first; /hosts/{id}/facts/changes has all of them in pages.
    """
    span = query.range_of(request)
    scope.known(host_id)
    shown, following = paging.page_of(request, fact_store.facts(host_id))
    changed = fact_store.changes_of(host_id, span.start_ns, span.end_ns)[: query.LIMIT.of(request)]
    return answers.FactList(
        [answers.Fact(fact.name, fact.value, fact.since) for fact in shown],
        [_change(row) for row in changed],
        following,
    )


@endpoint("GET", role=Role.VIEWER)
@described(answer=answers.FactChangeList, query=(_NAME, query.FROM, query.TO, query.LIMIT, query.AFTER))
def changes(request: ApiRequest, host_id: int) -> answers.FactChangeList:
    """The facts of a host that took another value in the range."""
    span = query.range_of(request)
    scope.known(host_id)
    found = fact_store.changes_of(host_id, span.start_ns, span.end_ns, _NAME.of(request))
    shown, following = paging.page_of(request, found)
    return answers.FactChangeList([_change(row) for row in shown], following)


@endpoint("GET", role=Role.VIEWER)
@described(answer=answers.EventList, query=(_KIND, query.FROM, query.TO, query.LIMIT, query.AFTER))
def events(request: ApiRequest, host_id: int) -> answers.EventList:
    """What happened on a host in the range."""
    span = query.range_of(request)
    scope.known(host_id)
    found = fact_store.events_of(host_id, span.start_ns, span.end_ns, _KIND.of(request))
    shown, following = paging.page_of(request, found)
    return answers.EventList([answers.Event(row.kind, row.at, dict(row.fields)) for row in shown], following)


@endpoint("GET", role=Role.VIEWER)
@described(answer=answers.TriageList, query=(query.FROM, query.TO))
def triage(request: ApiRequest, host_id: int) -> answers.TriageList:
    """Where the time of each service's threads went in the range, the busiest service first."""
    span = query.range_of(request)
    scope.known(host_id)
    found = triage_report.of_host(host_id, span.start_ns, span.end_ns)
    return answers.TriageList(
        [
            answers.Triage(
                each.service,
                each.threads,
                each.busy,
                {state: round(share, 4) for state, share in each.shares.items()},
                [answers.Unknown(one.what, one.why) for one in each.unknown],
            )
            for each in found
        ]
    )


def _change(row: FactChangeRow) -> answers.FactChange:
    return answers.FactChange(row.name, row.before, row.after, row.at)


def _fields(host: HostRow) -> dict[str, Any]:
    return {
        "id": host.id,
        "name": host.name,
        "agent": host.agent,
        "enrolled_at": host.enrolled_at,
        "last_seen_at": host.last_seen_at,
        "clock_skew_seconds": host.clock_skew_seconds,
        "failing_probes": host.failing_probes,
        "quarantined_batches": host.quarantined_batches,
        "lost_batches": host.lost_batches,
        "skipped_samples": host.skipped_samples,
        "url": f"/hosts/{host.id}",
    }
