"""Where the stream process is reached from outside."""

from __future__ import annotations

from django.conf import settings
from django.http import HttpRequest


def stream_origin(request: HttpRequest) -> str:
    """STREAM_URL, or this request's host at the stream port."""
    if settings.STREAM_URL:
        return str(settings.STREAM_URL).rstrip("/")
    name = request.get_host()
    host = name.rsplit(":", 1)[0] if ":" in name and not name.endswith("]") else name
    return f"{request.scheme}://{host}:{settings.STREAM_PORT}"
