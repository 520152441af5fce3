"""Signing in and out."""

from datetime import timedelta

import pytest

from diagnose.access import links
from diagnose.models import AuditEntry
from tests.conftest import PASSWORD


def test_the_right_password_leads_to_the_page_one_came_for(client, viewer):
    answer = client.get("/hosts?order=cpu")
    assert answer.headers["Location"] == "/sign-in?next=/hosts%3Forder%3Dcpu"
    form = client.get(answer.headers["Location"]).content.decode()
    assert 'value="/hosts?order=cpu"' in form
    given = {"username": "vera", "password": PASSWORD, "next": "/hosts?order=cpu"}
    assert client.post("/sign-in", given).headers["Location"] == "/hosts?order=cpu"
    assert client.get("/hosts").status_code == 200
    assert AuditEntry.objects.filter(actor="vera", action="sign in").count() == 1


def test_a_wrong_password_is_refused_in_words_and_recorded(client, viewer):
    answer = client.post("/sign-in", {"username": "vera", "password": "guess"})
    assert answer.status_code == 401
    assert "do not go together" in answer.content.decode()
    assert "guess" not in answer.content.decode()
    assert AuditEntry.objects.get(action="refuse sign-in").subject == "vera"


@pytest.mark.parametrize(
    "target", ["https://elsewhere.example/", "//elsewhere.example", "javascript:alert(1)"]
)
def test_signing_in_never_leads_elsewhere(client, viewer, target):
    given = {"username": "vera", "password": PASSWORD, "next": target}
    assert client.post("/sign-in", given).headers["Location"] == "/"


def test_a_one_time_link_signs_in_once(client, admin):
    secret = links.create(admin, timedelta(hours=1))
    assert client.get(f"/sign-in/{secret}").headers["Location"] == "/"
    assert client.get("/").status_code == 200
    client.logout()
    again = client.get(f"/sign-in/{secret}")
    assert again.status_code == 410
    assert "already used" in again.content.decode()


def test_a_browser_that_prefetches_does_not_use_the_link_up(client, admin):
    secret = links.create(admin, timedelta(hours=1))
    assert client.get(f"/sign-in/{secret}", headers={"Sec-Purpose": "prefetch"}).status_code == 204
    assert client.head(f"/sign-in/{secret}").status_code == 405
    assert client.get(f"/sign-in/{secret}").status_code == 302


def test_an_unknown_link_says_what_to_do(client, db):
    answer = client.get("/sign-in/<b>nothing")
    assert answer.status_code == 401
    assert "ask for a new one" in answer.content.decode()


def test_signing_out_takes_a_form(seen):
    assert seen.get("/sign-out").status_code == 405
    assert seen.post("/sign-out").status_code == 302
    assert seen.get("/hosts").status_code == 302
