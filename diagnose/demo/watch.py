"""Asks the public API what Diagnose found, as any script could."""

from __future__ import annotations

import http.client
import json
from collections.abc import Collection
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode, urlsplit


@dataclass(frozen=True, slots=True)
class Found:
    """One open finding, as the terminal shows it."""

    rule: str
    headline: str
    confidence: float
    url: str


@dataclass(frozen=True, slots=True)
class Api:
    """`token` is a user token; `base` the address of the pages."""

    base: str
    token: str

    def get(self, path: str, **query: str | int) -> dict[str, Any]:
        """Raises OSError when nobody answers, PermissionError when the token is refused."""
        return self._ask("GET", f"{path}?{urlencode(query)}")

    def post(self, path: str, body: dict[str, Any]) -> dict[str, Any]:
        """Raises as `get` does."""
        return self._ask("POST", path, json.dumps(body))

    def _ask(self, method: str, path: str, body: str | None = None) -> dict[str, Any]:
        connection = http.client.HTTPConnection(urlsplit(self.base).netloc, timeout=5)
        headers = {"Authorization": f"Bearer {self.token}", "Content-Type": "application/json"}
        try:
            connection.request(method, f"/api/v1{path}", body, headers)
            answer = connection.getresponse()
            told = answer.read()
        except http.client.HTTPException as error:
            raise OSError(f"{self.base} does not speak HTTP: {error!r}") from error
        finally:
            connection.close()
        if answer.status in {401, 403}:
            raise PermissionError(f"{self.base} refused the token: {told[:200].decode(errors='replace')}")
        if not 200 <= answer.status < 300:
            raise OSError(
                f"{self.base}{path} answered {answer.status}: {told[:200].decode(errors='replace')}"
            )
        decoded: dict[str, Any] = json.loads(told)
        return decoded

    def answers(self) -> bool:
        try:
            self.get("/hosts")
        except OSError:
            return False
        return True

    def hears_a_collector(self) -> bool:
        """Whether some host has sent readings."""
        try:
            return any(host["last_seen_at"] for host in self.get("/hosts")["results"])
        except OSError:
            return False

    def found(self, pid: int | None, rules: Collection[str]) -> Found | None:
        """The worst open finding of one of the rules about this process."""
        try:
            findings = self.get("/findings", state="open")["results"]
        except OSError:
            return None
        for finding in findings:
            if finding["rule"] in rules and finding["subject"].get("pid") == pid:
                url = self.base + urlsplit(finding["url"]).path
                return Found(finding["rule"], finding["headline"], finding["confidence"], url)
        return None
