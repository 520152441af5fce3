"""The pages of captures without a browser: what they answer, and what they cost the database."""

from __future__ import annotations

import time

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from diagnose.models import Capture, CaptureFile, Host, User

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("data_dir", "valkey")]


@pytest.fixture
def person(operator: User) -> Client:
    client = Client()
    client.force_login(operator)
    return client


def capture(host: Host, **fields) -> Capture:
    given = {"seconds": 1, "hz": 10, "requested_by": "ada", "state": "done", "service": "shop"}
    return Capture.objects.create(host=host, **{**given, **fields})


def queries(person: Client, address: str) -> int:
    with CaptureQueriesContext(connection) as context:
        assert person.get(address).status_code == 200
    return len(context)


def test_a_longer_list_asks_the_database_no_more_often(person: Client, host: Host):
    CaptureFile.objects.create(capture=capture(host), name="trace.out", bytes=5)
    queries(person, "/captures")
    few = queries(person, "/captures")
    for number in range(20):
        made = capture(host, group=f"{number % 2:026d}", state="waiting" if number % 2 else "done")
        CaptureFile.objects.create(capture=made, name="trace.out", bytes=5)
    assert queries(person, "/captures") == few


def test_a_group_asks_the_database_no_more_often_with_more_hosts(person: Client, host: Host):
    capture(host, group="1" * 26)
    few = queries(person, f"/captures/groups/{'1' * 26}")
    for number in range(10):
        capture(Host.objects.create(identity=f"{number:032x}", name=f"web-{number + 2}"), group="2" * 26)
    assert queries(person, f"/captures/groups/{'2' * 26}") == few


def test_what_follows_the_list_leaves_the_long_parts_of_the_form_out(person: Client, host: Host):
    Host.objects.create(identity="e" * 32, name="web-2")
    assert b'name="also"' in person.get("/captures").content
    assert b'name="also"' not in person.get("/captures?list=1").content


def test_a_capture_without_profile_has_nothing_to_compare_and_leads_back(person: Client, host: Host):
    made = capture(host, state="failed", message="Process 812 is gone")
    answer = person.get(f"/captures/{made.id}/compare")
    assert (answer.status_code, answer["Location"]) == (302, f"/captures/{made.id}")
    assert b"Process 812 is gone" in person.get(f"/captures/{made.id}").content


def test_several_types_of_a_capture_can_be_chosen(person: Client, host: Host):
    now = time.time_ns()
    made = capture(
        host,
        kind="go_heap",
        result_service="shop",
        result_types=["inuse_space", "alloc_space"],
        result_from_ns=now,
        result_to_ns=now,
    )
    page = person.get(f"/captures/{made.id}?type=alloc_space").content.decode()
    assert 'href="?type=inuse_space"' in page
    assert f"capture={made.id}&amp;type=alloc_space" in page
    assert "type=inuse_space&amp;" not in page
    assert person.get(f"/captures/{made.id}?type=nonsense").status_code == 200


@pytest.mark.parametrize(
    "address", ["/captures/none", "/captures/none/compare", "/captures/groups/none", "/captures/%00"]
)
def test_what_is_not_there_is_not_found(person: Client, host: Host, address: str):
    assert person.get(address).status_code == 404


def test_odd_filters_are_passed_over(person: Client, host: Host):
    capture(host)
    for query in ("on=x", "on=999999", "state=gone", "kind=nothing", "by=nobody", "q=%00", "after=zzz"):
        assert person.get(f"/captures?{query}").status_code == 200
