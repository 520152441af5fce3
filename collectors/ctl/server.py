"""The JSON API of a server, as the commands ask it."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any
from urllib.parse import urlencode, urlsplit

import urllib3

_CONNECT_SECONDS, _READ_SECONDS = 5.0, 60.0
_MOST_BYTES = 64 * 1024 * 1024


class Refused(Exception):
    """What the server said, or why it could not be asked, in one line."""


class Server:
    """`url` is that of the pages; `token` a user token."""

    def __init__(self, url: str, token: str, ca_file: str = "") -> None:
        self.url = url.rstrip("/")
        self._headers = {"Authorization": f"Bearer {token}", "Accept": "application/json"}
        self._pool = urllib3.PoolManager(retries=False, ca_certs=ca_file or None)

    def get(self, path: str, **query: Any) -> Any:
        """The answer of `/api/v1` + path. Arguments that are None or empty are left out. Raises Refused."""
        return json.loads(self.read(path, **query))

    def read(self, path: str, **query: Any) -> bytes:
        """The answer as it comes."""
        given = {
            name.rstrip("_").replace("__", "."): value
            for name, value in query.items()
            if value not in (None, "")
        }
        return self._ask("GET", f"{self.url}/api/v1{path}?{urlencode(given, doseq=True)}")

    def each(self, path: str, most: int, **query: Any) -> Iterator[dict[str, Any]]:
        """The entries of a list, page after page, up to so many."""
        answer = self.get(path, limit=min(most, 200), **query)
        while True:
            for entry in answer["results"]:
                if most <= 0:
                    return
                most -= 1
                yield entry
            if not answer["next"] or most <= 0:
                return
            # Its own address may be another than the one it was asked by.
            following = urlsplit(answer["next"])
            answer = json.loads(self._ask("GET", f"{self.url}{following.path}?{following.query}"))

    def post(self, path: str, body: Mapping[str, Any]) -> Any:
        """Raises Refused."""
        return json.loads(self._ask("POST", f"{self.url}/api/v1{path}", json.dumps(body).encode()))

    def _ask(self, method: str, url: str, body: bytes | None = None) -> bytes:
        headers = {**self._headers, **({"Content-Type": "application/json"} if body is not None else {})}
        timeout = urllib3.Timeout(connect=_CONNECT_SECONDS, read=_READ_SECONDS)
        try:
            answer = self._pool.request(
                method,
                url,
                body=body,
                headers=headers,
                timeout=timeout,
                redirect=False,
                preload_content=False,
            )
            data = answer.read(_MOST_BYTES)
            answer.release_conn()
        except (urllib3.exceptions.HTTPError, OSError) as error:
            raise Refused(
                f"{self.url} cannot be reached ({type(error).__name__}): is DIAGNOSE_URL right?"
            ) from None
        if answer.status >= 300:
            raise Refused(_reason(answer.status, data))
        return data


def _reason(status: int, data: bytes) -> str:
    try:
        problem = json.loads(data)
        return f"{problem['title']}: {problem['detail']}"
    except (ValueError, KeyError, TypeError):
        return f"the server answered {status}: is DIAGNOSE_URL the address of Diagnose?"


def from_environment(url: str | None, token_file: str | None) -> Server:
    """By flags, else DIAGNOSE_URL, DIAGNOSE_TOKEN or DIAGNOSE_TOKEN_FILE. Raises Refused without a token."""
    address = url or os.environ.get("DIAGNOSE_URL") or "http://127.0.0.1:8000"
    if not address.startswith(("http://", "https://")):
        raise Refused(f"DIAGNOSE_URL={address!r} must begin with http:// or https://")
    file = token_file or os.environ.get("DIAGNOSE_TOKEN_FILE")
    token = os.environ.get("DIAGNOSE_TOKEN", "")
    if file:
        try:
            token = Path(file).read_text().strip()
        except OSError as error:
            raise Refused(f"{file} cannot be read: {error.strerror}") from None
    if not token:
        raise Refused("no token: set DIAGNOSE_TOKEN (make one on the Account page), or give --token-file")
    return Server(address, token, os.environ.get("DIAGNOSE_CA_FILE", ""))
