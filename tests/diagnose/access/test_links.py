"""Sign-in links work once and for a day; tickets for a minute; the first admin is made once."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.contrib.auth.models import AnonymousUser
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpResponse
from django.test import RequestFactory
from django.utils import timezone

from diagnose.access import accounts, audit, links, tickets, tokens
from diagnose.access.pages import page
from diagnose.access.problems import Problem
from diagnose.models import AuditEntry, Token
from diagnose.models.access import Role


def test_a_link_lets_its_user_in_once(viewer):
    secret = links.create(viewer, timedelta(hours=1))
    assert links.redeem(secret) == viewer
    with pytest.raises(Problem, match="already used") as caught:
        links.redeem(secret)
    assert caught.value.status == 410


def test_an_expired_link_says_so(viewer):
    with pytest.raises(Problem, match="has expired"):
        links.redeem(links.create(viewer, timedelta(seconds=-1)))


@pytest.mark.django_db
def test_an_unknown_link_is_401():
    with pytest.raises(Problem) as caught:
        links.redeem("guessed")
    assert caught.value.status == 401


def test_a_ticket_holds_for_its_stream_and_its_time():
    assert tickets.verify(tickets.sign("diagnose:commands:7")) == "diagnose:commands:7"
    with pytest.raises(Problem, match="expired"):
        tickets.verify(tickets.sign("diagnose:commands:7", seconds=0))
    with pytest.raises(Problem, match="not one of ours"):
        tickets.verify(tickets.sign("diagnose:commands:7")[:-2] + "xx")


@pytest.mark.django_db
def test_the_first_admin_is_made_once_and_gets_links_until_the_first_sign_in():
    admin = accounts.first_admin()
    assert (admin.role, admin.has_usable_password()) == (Role.ADMIN, False)
    assert links.redeem(accounts.first_link(admin)) == admin
    admin.last_login = timezone.now()
    admin.save()
    assert accounts.first_link(accounts.first_admin()) is None


def test_the_admin_token_file_is_private_and_replaced_only_when_it_no_longer_works(admin, tmp_path):
    path = tmp_path / "admin-token"
    assert accounts.keep_admin_token(admin, path)
    assert path.stat().st_mode & 0o777 == 0o600
    secret = path.read_text().strip()
    assert tokens.authenticate(secret).user == admin
    assert not accounts.keep_admin_token(admin, path)
    tokens.revoke(Token.objects.get())
    assert accounts.keep_admin_token(admin, path)
    assert path.read_text().strip() != secret


def test_the_audit_log_only_grows(admin):
    audit.record("manage.py", "mute finding", "01J", minutes=5)
    entry = AuditEntry.objects.get()
    entry.action = "something else"
    with pytest.raises(PermissionError):
        entry.save()
    with pytest.raises(PermissionError):
        entry.delete()


def _visit(user, view=lambda request: HttpResponse("in"), role=Role.VIEWER):
    request = RequestFactory().get("/findings?state=open")
    request.user = user
    return page(role)(view)(request)


def test_a_page_sends_a_stranger_to_sign_in_and_back():
    assert _visit(AnonymousUser()).url == "/sign-in?next=/findings%3Fstate%3Dopen"


def test_a_page_lets_in_who_may_and_tells_others_the_role(viewer, admin):
    assert _visit(viewer).content == b"in"
    assert _visit(admin, role=Role.OPERATOR).content == b"in"
    with pytest.raises(PermissionDenied, match="needs the role operator; you have viewer"):
        _visit(viewer, role=Role.OPERATOR)


def test_a_problem_below_a_page_becomes_the_pages_own_error(viewer):
    def missing(request):
        raise Problem(404, "No such host", "host 7 does not exist")

    with pytest.raises(Http404, match="host 7"):
        _visit(viewer, missing)
