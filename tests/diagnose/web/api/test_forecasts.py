"""`/hosts/{id}/forecasts`, and what could not be checked of a host."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from diagnose.models import Host, HostEvaluation, ResourceForecast

pytestmark = pytest.mark.django_db
NOW = datetime.now(UTC)


def test_resources_come_with_their_times_the_first_to_be_full_first(ask, host: Host) -> None:
    for name, seconds in (("tasks", None), ("conntrack", 7200.0), ("disk_space", 600.0)):
        ResourceForecast.objects.create(
            host=host, resource=name, state="steady" if seconds is None else "fills", level=8, limit=10,
            per_second=1, slowest=0.5, fastest=2, seconds=seconds, soonest=seconds, latest=seconds, at=NOW,
        )  # fmt: skip
    found = ask(f"/hosts/{host.pk}/forecasts")["results"]
    assert [each["resource"] for each in found] == ["disk_space", "conntrack", "tasks"]
    assert found[2]["seconds"] is None


def test_an_unknown_host_has_none(ask, db) -> None:
    ask("/hosts/99/forecasts", status=404)


def test_a_host_tells_what_could_not_be_checked(ask, host: Host) -> None:
    assert ask(f"/hosts/{host.pk}")["evaluation"] is None
    HostEvaluation.objects.create(
        host=host, at=NOW, checked=26, unknown=[{"what": "a.rule", "why": "no data"}]
    )
    found = ask(f"/hosts/{host.pk}")["evaluation"]
    assert (found["checked"], found["unknown"]) == (26, [{"what": "a.rule", "why": "no data"}])
