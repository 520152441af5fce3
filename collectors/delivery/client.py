"""The one HTTP client of the agent: the server's address, its token, bounded answers, no surprises."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import urllib3

CONNECT_SECONDS = 5.0
READ_SECONDS = 15.0
# Nothing the server says to a collector is longer; more comes from something that is not our server.
MAX_ANSWER_BYTES = 1024 * 1024


class Unreachable(Exception):
    """No answer: the message names the address and what went wrong."""


@dataclass(frozen=True, slots=True)
class Answer:
    """`headers` have lower-case names."""

    status: int
    headers: Mapping[str, str]
    body: bytes


class Client:
    """`token` is asked for every request, so that a renewed token file counts without a restart."""

    def __init__(self, server: str, token: Callable[[], str], agent: str, ca_file: str, proxy: str) -> None:
        self.server = server.rstrip("/")
        self._token = token
        self._agent = agent
        options: dict[str, Any] = {"maxsize": 3, "retries": False, "ca_certs": ca_file or None}
        self._pool: urllib3.PoolManager = (
            urllib3.ProxyManager(proxy, **options) if proxy else urllib3.PoolManager(**options)
        )

    def get(self, path: str, read_seconds: float = READ_SECONDS) -> Answer:
        """Ask the server, with the token. Redirects are handed back, not followed."""
        return self._request("GET", self.server + path, None, self._authorization(), read_seconds)

    def get_elsewhere(self, url: str, read_seconds: float) -> Answer:
        """Follow an address the server gave; the token stays here."""
        return self._request("GET", url, None, {}, read_seconds)

    def post(self, path: str, body: bytes, headers: Mapping[str, str]) -> Answer:
        """Send to the server, with the token."""
        return self._request(
            "POST", self.server + path, body, {**headers, **self._authorization()}, READ_SECONDS
        )

    def close(self) -> None:
        self._pool.clear()

    def _authorization(self) -> dict[str, str]:
        return {"Authorization": f"Bearer {self._token()}"}

    def _request(
        self, method: str, url: str, body: bytes | None, headers: Mapping[str, str], read_seconds: float
    ) -> Answer:
        timeout = urllib3.Timeout(connect=CONNECT_SECONDS, read=read_seconds)
        try:
            response = self._pool.request(
                method,
                url,
                body=body,
                headers={"User-Agent": self._agent, **headers},
                timeout=timeout,
                redirect=False,
                preload_content=False,
            )
            return _bounded(response)
        except (urllib3.exceptions.HTTPError, OSError, ValueError) as error:
            raise Unreachable(f"{_origin(url)}: {_in_words(error)}") from None


def _bounded(response: urllib3.BaseHTTPResponse) -> Answer:
    body = b""
    try:
        while chunk := response.read(65_536):
            body += chunk
            if len(body) > MAX_ANSWER_BYTES:
                raise ValueError(f"the answer is longer than {MAX_ANSWER_BYTES} bytes")
    finally:
        if len(body) > MAX_ANSWER_BYTES:
            response.close()
        with contextlib.suppress(OSError, ValueError):
            response.release_conn()
    return Answer(response.status, {k.lower(): v for k, v in response.headers.items()}, body)


def _origin(url: str) -> str:
    """Without the path: a ticket in a query belongs in no log."""
    return "/".join(url.split("/", 3)[:3])


def _in_words(error: Exception) -> str:
    reason: BaseException = error
    while reason.__cause__ is not None or isinstance(getattr(reason, "reason", None), BaseException):
        reason = reason.__cause__ or reason.reason  # type: ignore[attr-defined]
    if isinstance(reason, ConnectionRefusedError):
        return "connection refused: is the server running, is the port right?"
    text = str(reason)
    if "issuer certificate" in text or "self-signed" in text:
        return f"{text}; an authority of your own? name its certificate as ca_file"
    return text.split("): ", 1)[-1] if "HTTPConnection" in text or "HTTPSConnection" in text else text
