"""An error that a client is told about, in the form of RFC 9457 (application/problem+json)."""

from __future__ import annotations

from typing import Any

from django.http import JsonResponse


class Problem(Exception):
    """Raised anywhere below a view. `detail` names the value, the place and the remedy; `errors` is by field."""

    def __init__(
        self,
        status: int,
        title: str,
        detail: str,
        errors: dict[str, str] | None = None,
        headers: dict[str, str] | None = None,
    ) -> None:
        super().__init__(f"{status} {title}: {detail}")
        self.status = status
        self.title = title
        self.detail = detail
        self.errors = errors or {}
        self.headers = headers or {}

    def as_json(self) -> dict[str, Any]:
        """The body; `type` is about:blank because the title and status already say which kind it is."""
        body: dict[str, Any] = {
            "type": "about:blank",
            "title": self.title,
            "status": self.status,
            "detail": self.detail,
        }
        if self.errors:
            body["errors"] = self.errors
        return body

    def as_response(self) -> JsonResponse:
        return JsonResponse(
            self.as_json(),
            status=self.status,
            headers=self.headers,
            content_type="application/problem+json",
        )
