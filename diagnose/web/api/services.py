"""`/services`: what is profiled, where, and as which types."""

from __future__ import annotations

from collections import defaultdict

from diagnose import models
from diagnose.access.endpoints import ApiRequest, endpoint
from diagnose.models.access import Role
from diagnose.store import profiles
from diagnose.store import services as store
from diagnose.store.profiles import ProfiledService
from diagnose.web.api import answers, paging, query, scope
from diagnose.web.api.describe import described
from diagnose.web.timerange import TimeRange

_Q = query.text("q", "Only services whose name contains this text.")
_RANGE = (query.FROM, query.TO)


@endpoint("GET", role=Role.VIEWER)
@described(answer=answers.ServiceList, query=(_Q, scope.HOST, *_RANGE, query.LIMIT, query.AFTER))
def services(request: ApiRequest) -> answers.ServiceList:
    """List services by name, with what was profiled of each in the range.

    With `host`, only services that were profiled there in the range.
    """
    host_ids = scope.host_ids(request)
    stored = _stored(host_ids, query.range_of(request))
    wanted = _Q.of(request).casefold()
    found = [
        service
        for service in store.services()
        if wanted in service.name.casefold() and (not host_ids or service.name in stored)
    ]
    shown, following = paging.page_of(request, found)
    return answers.ServiceList([_answer(each, stored[each.name]) for each in shown], following)


@endpoint("GET", role=Role.VIEWER)
@described(answer=answers.Service, query=_RANGE)
def service(request: ApiRequest, service_id: int) -> answers.Service:
    """One service, with what was profiled of it in the range."""
    found = store.service(service_id)
    return _answer(found, _stored((), query.range_of(request))[found.name])


def _stored(host_ids: tuple[int, ...], span: TimeRange) -> defaultdict[str, list[ProfiledService]]:
    by_service: defaultdict[str, list[ProfiledService]] = defaultdict(list)
    for each in profiles.services(host_ids, span.start_ns, span.end_ns):
        by_service[each.service].append(each)
    return by_service


def _answer(service: models.Service, stored: list[ProfiledService]) -> answers.Service:
    return answers.Service(
        id=service.pk,
        name=service.name,
        first_seen_at=service.first_seen_at,
        hosts=list(scope.names(each.host_id for each in stored).values()),
        types=sorted({each.type for each in stored}),
        profiles=sum(each.profiles for each in stored),
        seconds=sum(each.seconds for each in stored),
    )
