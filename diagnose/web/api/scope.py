"""Which hosts a request means: by id or by name, one or several."""

from __future__ import annotations

from collections.abc import Iterable

from django.http import HttpRequest

from diagnose.access.problems import Problem
from diagnose.models import Host
from diagnose.store import hosts as store
from diagnose.store.hosts import HostRow
from diagnose.web.api import query
from diagnose.web.api.answers import HostName
from diagnose.web.api.query import Parameter

HOST = query.text("host", "Only this host, by id or name; may be repeated. Default: all.")
ONE_HOST = query.text("host", "Only this host, by id or name. Default: all.")


def host_ids(request: HttpRequest, hosts: Parameter[str] = HOST) -> tuple[int, ...]:
    """Of the hosts that `host` names; empty when it names none. Raises Problem 422 for one that is not known."""
    return tuple(dict.fromkeys(host_named(text, hosts.name).pk for text in hosts.all_of(request)))


def one_host(request: HttpRequest) -> Host | None:
    """The host that `host` names, if it does. Raises Problem 422."""
    text = ONE_HOST.of(request)
    return host_named(text, "host") if text else None


def host_named(text: str, field: str) -> Host:
    """The host of that name or id; names may look like numbers, so the name counts first. Raises Problem 422."""
    named = list(Host.objects.filter(name=text)[:10])
    if len(named) > 1:
        ids = ", ".join(str(host.pk) for host in named)
        raise query.refusal(field, f"{text!r} is the name of several hosts: use one of the ids {ids}")
    by_id = Host.objects.filter(pk=int(text)) if text.isascii() and text.isdigit() else Host.objects.none()
    found = named[0] if named else by_id.first()
    if found is None:
        raise query.refusal(field, f"{text[:80]!r} is no host here: GET /api/v1/hosts lists them")
    return found


def known(host_id: int) -> HostRow:
    """Raises Problem 404."""
    found = store.host(host_id)
    if found is None:
        raise Problem(404, "No such host", f"There is no host {host_id}: GET /api/v1/hosts lists them.")
    return found


def names(ids: Iterable[int]) -> dict[int, HostName]:
    """By id, in the order of the names."""
    rows = Host.objects.filter(pk__in=set(ids)).order_by("name", "pk")
    return {host.pk: HostName(host.pk, host.name) for host in rows}
