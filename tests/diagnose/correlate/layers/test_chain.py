"""Middleware chains, member by member, in recorded runs and at the edges."""

from __future__ import annotations

from diagnose.correlate.layers.chain import members
from diagnose.correlate.samples import Frame, Stack
from tests.diagnose.correlate.layers.test_frames import recorded

SITE = "/srv/shop/venv/lib/python3.11/site-packages"
INNER = Frame("convert_exception_to_response.<locals>.inner", f"{SITE}/django/core/handlers/exception.py", 55)
MIXIN = Frame("MiddlewareMixin.__call__", f"{SITE}/django/utils/deprecation.py", 119)
SESSION = Frame("SessionMiddleware.process_response", f"{SITE}/django/contrib/sessions/middleware.py", 36)
GZIP = Frame("GZipMiddleware.process_response", f"{SITE}/django/middleware/gzip.py", 40)
QUERY = Frame("QuerySet.get", f"{SITE}/django/db/models/query.py", 600)
VIEW = [
    Frame("BaseHandler._get_response", f"{SITE}/django/core/handlers/base.py", 197),
    Frame("view", "/srv/shop/views.py"),
]


def stack(*frames, count=1):
    return Stack("MainThread", frames, count)


def test_members_of_a_recorded_django_chain_are_told_apart():
    found = members(recorded("django"))
    assert {"SessionMiddleware", "GZipMiddleware", "CommonMiddleware"} <= set(found)
    assert found["SessionMiddleware"] > 500  # it saves the session in the database
    assert "MiddlewareMixin" not in found
    assert found.total() < sum(each.count for each in recorded("django"))


def test_members_of_a_recorded_fastapi_chain_are_told_apart():
    assert {"GZipMiddleware", "BaseHTTPMiddleware"} <= set(members(recorded("fastapi")))


def test_a_member_pays_for_what_it_calls_and_not_for_those_it_wraps():
    found = members(
        [
            stack(INNER, MIXIN, SESSION, QUERY, count=5),
            stack(INNER, MIXIN, INNER, MIXIN, GZIP, count=2),
            stack(INNER, MIXIN, INNER, MIXIN, INNER, *VIEW, QUERY, count=90),
        ]
    )
    assert found == {"SessionMiddleware": 5, "GZipMiddleware": 2}


def test_without_class_names_the_module_tells():
    old = Frame("process_response", f"{SITE}/django/middleware/gzip.py", 40)
    assert set(members([stack(INNER, MIXIN, old)])) == {"django.middleware.gzip"}


def test_in_go_who_hands_on_is_a_member_and_the_last_is_the_handler():
    link = Frame("net/http.HandlerFunc.ServeHTTP", "")
    counted, listing = Frame("main.counted.func1", ""), Frame("main.listing", "")
    work = Frame("strings.ToUpper", "")
    found = members([stack(link, counted, work, count=3), stack(link, counted, link, listing, work, count=9)])
    assert found == {"main.counted": 3}
