"""A route's name shows what kind of thing a request was for, and nothing of whom it was for."""

from __future__ import annotations

import pytest

from collectors.probes.ebpf.routes import Routes, name_of


@pytest.mark.parametrize(
    ("path", "name"),
    [
        ("/", "/"),
        ("*", "*"),
        ("/static/app.min.js", "/static/app.min.js"),
        ("/api/v2/users/17", "/api/v2/users/{number}"),
        ("/users/17/", "/users/{number}/"),
        ("/near/52.5,13.4", "/near/{number}"),
        ("/-/health", "/-/health"),
        ("/o/123e4567-e89b-12d3-a456-426614174000", "/o/{uuid}"),
        ("/blob/9f86d081884c7d65", "/blob/{hex}"),
        ("/facade", "/facade"),
        ("/decade-defaced", "/decade-defaced"),
        ("/u/jane.doe@example.com", "/u/{email}"),
        ("/u/jane%40example.com", "/u/{email}"),
        ("/city/Z%C3%BCrich", "/city/{text}"),
        ("/reset/Zm9vYmFyYmF6cXV4Zm9v1", "/reset/{token}"),
        ("/how-to-make-a-cake", "/how-to-make-a-cake"),
        ("/how-to-make-a-cake-without-any-flour-eggs", "/{token}"),
        ("/search?q=jane", "/search"),
        ("/cart;jsessionid=99", "/cart"),
        ("http://shop.example/users/17", "/users/{number}"),
        ("http://shop.example", "/"),
    ],
)
def test_a_path_becomes_its_route(path, name):
    assert name_of(path.encode().ljust(64, b"\0")) == name


def test_a_path_that_was_cut_is_not_told_to_its_end():
    assert name_of(b"/reports/2024/" + b"s" * 50) == "/reports/{number}/…"


def test_bytes_that_are_no_text_are_survived():
    assert name_of(b"/\xff\xfe/17".ljust(64, b"\0")) == "/\ufffd\ufffd/{number}"


def test_a_request_whose_path_was_not_seen_or_found_no_room_says_so():
    assert [Routes().name(number) for number in (0, 1, 77)] == ["unknown", "other", "other"]
