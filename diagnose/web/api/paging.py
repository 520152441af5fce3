"""Lists in pages: `{"results": […], "next": address of the next page or null}`."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Protocol, TypeVar
from urllib.parse import urlencode

from django.http import HttpRequest

from diagnose.web.api import query

T = TypeVar("T")
T_co = TypeVar("T_co", covariant=True)


class Sliceable(Protocol[T_co]):
    """A list, or a query that is run when it is sliced."""

    def __getitem__(self, place: slice, /) -> Iterable[T_co]: ...


def page_of(request: HttpRequest, everything: Sliceable[T]) -> tuple[list[T], str | None]:
    """The slice that `limit` and `after` (a position) ask for, and the address of the next. Raises Problem 422."""
    limit, after = query.LIMIT.of(request), query.AFTER.of(request) or "0"
    if not after.isascii() or not after.isdigit():
        raise query.refusal("after", f"{after[:40]!r} is not a place in this list; take it from `next`")
    begin = int(after)
    window = list(everything[begin : begin + limit + 1])
    return window[:limit], next_url(request, str(begin + limit)) if len(window) > limit else None


def next_url(request: HttpRequest, after: str) -> str:
    """This request's address with another `after`."""
    kept = [(name, value) for name, values in request.GET.lists() for value in values if name != "after"]
    return request.build_absolute_uri(f"{request.path}?{urlencode([*kept, ('after', after)])}")
