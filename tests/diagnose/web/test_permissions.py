"""Who may see and do what, page by page."""

import pytest
from django.urls import get_resolver

from diagnose.models import Finding
from diagnose.web.urls import urlpatterns

OPEN = {"sign-in", "sign-in-link", "sign-out"}
OPEN |= {"report-shared", "language"}  # guarded by its secret, see test_reports.py; anybody may choose
OPEN |= {"install-script", "collector-projects", "collector-project", "collector-file"}
ACTIONS = ("acknowledge", "applied", "mute", "unmute", "feedback")


@pytest.mark.parametrize("name", [pattern.name for pattern in urlpatterns if pattern.name not in OPEN])
def test_nobody_signed_in_is_sent_to_the_sign_in_page(client, db, name):
    pattern = next(each for each in urlpatterns if each.name == name)
    values = {key: 1 if "int" in str(pattern.pattern) else "x" for key in pattern.pattern.converters}
    path = "/" + get_resolver("diagnose.web.urls").reverse(name, **values)
    answer = client.get(path)
    if answer.status_code == 405:  # a form's address
        answer = client.post(path)
    assert answer.status_code == 302
    assert answer.headers["Location"].startswith("/sign-in?next=")


@pytest.mark.parametrize(
    "path",
    [
        "/",
        "/hosts",
        "/findings",
        "/profile",
        "/captures",
        "/collectors",
        "/reports",
        "/notifications",
        "/storage",
    ],
)
def test_every_role_sees_the_pages(as_user, viewer, operator, admin, data_dir, path):
    for user in (viewer, operator, admin):
        assert as_user(user).get(path).status_code == 200


@pytest.mark.parametrize("action", ACTIONS)
def test_a_viewer_may_not_act(seen, faulty, action):
    finding = faulty("small_backlog")
    answer = seen.post(f"/findings/{finding.pk}/{action}", {"hours": "1", "verdict": "right"})
    assert answer.status_code == 403
    assert "needs the role operator" in answer.content.decode()
    assert not Finding.objects.get(pk=finding.pk).notes.exists()


def test_a_viewer_is_not_shown_what_only_operators_may(seen, as_user, operator, faulty):
    address = f"/findings/{faulty('small_backlog').pk}"
    assert "I am on it" not in seen.get(address).content.decode()
    assert "I am on it" in as_user(operator).get(address).content.decode()


def test_a_form_of_another_site_is_refused(operator, faulty):
    from django.test import Client

    careful = Client(enforce_csrf_checks=True)
    careful.force_login(operator)
    answer = careful.post(f"/findings/{faulty('small_backlog').pk}/acknowledge")
    assert answer.status_code == 403
    assert "form is out of date" in answer.content.decode()


@pytest.mark.parametrize(
    "path", ["/nothing", "/hosts/999", "/hosts/999/charts", "/findings/none", "/captures/none"]
)
def test_what_is_not_there_is_said_to_be_not_there(seen, data_dir, path):
    answer = seen.get(path)
    assert answer.status_code == 404
    assert "There is nothing here" in answer.content.decode()
