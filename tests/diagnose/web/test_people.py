"""Accounts, tokens and the audit log, as admins and everybody else meet them."""

import re

import pytest
from django.test import Client

from diagnose.models import AuditEntry, Token, User
from tests.conftest import PASSWORD

LINK = re.compile(r"http://testserver(/sign-in/[\w-]+)")
TOKEN = re.compile(r"dgu_[\w-]+")


@pytest.fixture
def admins(as_user, admin, data_dir):
    return as_user(admin)


def test_an_admin_adds_somebody_who_comes_in_by_the_link(admins):
    shown = admins.post("/users/add", {"name": "nora", "role": "operator"})
    assert shown["Cache-Control"] == "no-store"
    newcomer = Client()
    assert newcomer.get(LINK.search(shown.content.decode())[1]).status_code == 302
    assert newcomer.get("/account").status_code == 200
    assert User.objects.get(username="nora").role == "operator"
    assert "sign-in/" not in admins.get("/users").content.decode()


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"name": "", "role": "viewer"}, "cannot be used"),
        ({"name": "a b<script>", "role": "viewer"}, "cannot be used"),
        ({"name": "ada", "role": "viewer"}, "already exists"),
        ({"name": "nora", "role": "king"}, "is no role"),
    ],
)
def test_who_cannot_be_added_is_said(admins, given, said):
    answer = admins.post("/users/add", given, follow=True)
    assert said in answer.content.decode()
    assert User.objects.count() == 1


def test_who_is_let_go_is_out_at_once_with_session_and_tokens(admins, as_user, operator):
    theirs = as_user(operator)
    shown = theirs.post("/account/tokens", {"label": "ci", "role": "viewer", "days": "30"}).content.decode()
    secret = TOKEN.search(shown)[0]
    asking = {"headers": {"Authorization": f"Bearer {secret}"}}
    assert Client().get("/api/v1/findings", **asking).status_code == 200
    admins.post(f"/users/{operator.pk}", {"role": "operator"})
    assert theirs.get("/").status_code == 302
    assert Client().get("/api/v1/findings", **asking).status_code == 401


def test_the_last_admin_stays_one(admins, admin):
    for given in ({"role": "viewer", "active": "on"}, {"role": "admin"}):
        assert "the last admin" in admins.post(f"/users/{admin.pk}", given, follow=True).content.decode()
    admin.refresh_from_db()
    assert (admin.role, admin.is_active) == ("admin", True)


@pytest.mark.parametrize("path", ["/users", "/audit"])
def test_only_admins_see_people_and_the_log(as_user, viewer, operator, path):
    for user in (viewer, operator):
        assert as_user(user).get(path).status_code == 403
        assert as_user(user).post("/users/add", {"name": "n", "role": "admin"}).status_code == 403


def test_a_token_has_at_most_the_role_of_its_owner(as_user, viewer, data_dir):
    theirs = as_user(viewer)
    answer = theirs.post("/account/tokens", {"label": "x", "role": "admin", "days": "30"}, follow=True)
    assert "that you have yourself" in answer.content.decode()
    assert not Token.objects.exists()


def test_a_token_is_shown_once_and_refused_when_revoked(as_user, viewer, data_dir):
    theirs = as_user(viewer)
    shown = theirs.post("/account/tokens", {"label": "ci", "role": "viewer", "days": ""}).content.decode()
    secret = TOKEN.search(shown)[0]
    assert secret not in theirs.get("/account").content.decode()
    theirs.post(f"/account/tokens/{Token.objects.get().pk}/revoke")
    assert Client().get("/metrics", headers={"Authorization": f"Bearer {secret}"}).status_code == 401


def test_nobody_revokes_anothers_token(as_user, viewer, operator, data_dir):
    as_user(operator).post("/account/tokens", {"label": "ci", "role": "viewer", "days": ""})
    assert as_user(viewer).post(f"/account/tokens/{Token.objects.get().pk}/revoke").status_code == 404


def test_a_new_password_takes_the_old_one_and_ends_other_sessions(as_user, viewer, data_dir):
    here, elsewhere = as_user(viewer), as_user(viewer)
    new = {"new_password1": "quite another one", "new_password2": "quite another one"}
    assert here.post("/account/password", {"old": "wrong", **new}).status_code == 422
    assert here.post("/account/password", {"old": PASSWORD, **new}).status_code == 302
    assert here.get("/account").status_code == 200
    assert elsewhere.get("/account").status_code == 302
    viewer.refresh_from_db()
    assert viewer.check_password("quite another one")


def test_a_weak_password_is_refused_with_why(as_user, viewer, data_dir):
    given = {"old": PASSWORD, "new_password1": "short", "new_password2": "short"}
    assert "at least 10 characters" in as_user(viewer).post("/account/password", given).content.decode()


def test_the_log_tells_who_did_what_and_can_be_searched(admins):
    admins.post("/users/add", {"name": "nora", "role": "viewer"})
    shown = admins.get("/audit?q=nora").content.decode()
    assert "create user" in shown
    assert "nora" in shown
    assert "create user" not in admins.get("/audit?q=nothing-like-it").content.decode()
    assert AuditEntry.objects.filter(action="create user", actor="ada").exists()
