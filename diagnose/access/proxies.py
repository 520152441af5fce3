"""Who really asks when a reverse proxy stands in front: believed only of the proxies that TRUSTED_PROXIES names.

A proxy adds the address it was asked from to the end of `X-Forwarded-For`; what stands before that, anybody could have
written. So the last address that is no proxy of ours counts. `X-Forwarded-Proto` tells whether people use TLS.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Callable, Sequence

from django.conf import settings
from django.http import HttpRequest, HttpResponse

Address = ipaddress.IPv4Address | ipaddress.IPv6Address


def behind_proxies(
    get_response: Callable[[HttpRequest], HttpResponse],
) -> Callable[[HttpRequest], HttpResponse]:
    """Middleware."""

    def middleware(request: HttpRequest) -> HttpResponse:
        if settings.TRUSTED_PROXIES and _is_ours(request.META.get("REMOTE_ADDR", "")):
            _believe(request)
        return get_response(request)

    return middleware


def _believe(request: HttpRequest) -> None:
    named = request.META.get("HTTP_X_FORWARDED_FOR", "").split(",")
    request.META["REMOTE_ADDR"] = client_of(named, request.META["REMOTE_ADDR"])
    if request.META.get("HTTP_X_FORWARDED_PROTO", "").strip().lower() == "https":
        request.environ["wsgi.url_scheme"] = "https"  # type: ignore[attr-defined]


def client_of(named: Sequence[str], peer: str) -> str:
    """The last address that is no proxy of ours; the peer's when there is none that can be read."""
    for text in reversed([each.strip() for each in named]):
        if _address(text) is None:
            return peer
        if not _is_ours(text):
            return text
        peer = text
    return peer


def _is_ours(text: str) -> bool:
    address = _address(text)
    return address is not None and any(address in network for network in settings.TRUSTED_PROXIES)


def _address(text: str) -> Address | None:
    try:
        return ipaddress.ip_address(text)
    except ValueError:
        return None
