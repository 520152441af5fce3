"""The content security policy of every page: nothing from outside, no inline script."""

from __future__ import annotations

from collections.abc import Callable

from django.http import HttpRequest, HttpResponse

from diagnose.stream.origin import stream_origin


def content_security_policy(
    get_response: Callable[[HttpRequest], HttpResponse],
) -> Callable[[HttpRequest], HttpResponse]:
    """Middleware. Plotly writes style attributes and draws through data: and blob: images, hence those two."""

    def middleware(request: HttpRequest) -> HttpResponse:
        response = get_response(request)
        response.headers.setdefault(
            "Content-Security-Policy",
            "default-src 'self'; script-src 'self'; style-src 'self' 'unsafe-inline'; "
            f"img-src 'self' data: blob:; connect-src 'self' {stream_origin(request)}; "
            "frame-ancestors 'none'; base-uri 'none'; form-action 'self'",
        )
        return response

    return middleware
