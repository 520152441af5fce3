"""POST to an address that an admin gave: bounded in time and size, following no redirect.

Addresses inside a network are what most channels have, so they are allowed; those of a cloud's metadata service, which
answers credentials to whoever asks from this machine, are not, whatever name stands for them.
"""

from __future__ import annotations

import ipaddress
import socket
from collections.abc import Mapping
from urllib.parse import urlsplit

import urllib3

_SECONDS = 10.0
_MOST_BYTES = 4096


class Failed(Exception):
    """It was not delivered; the message says why, without any secret."""


def post(url: str, body: bytes, headers: Mapping[str, str]) -> bytes:
    """The beginning of the answer. Raises Failed, also for answers that are not 2xx."""
    parts = urlsplit(url)
    where = parts.hostname or ""
    _check(where)
    with urllib3.PoolManager(retries=False, timeout=urllib3.Timeout(total=_SECONDS)) as pool:
        try:
            answer = pool.request(
                "POST", url, body=body, headers=dict(headers), redirect=False, preload_content=False
            )
            found = answer.read(_MOST_BYTES)
        except (urllib3.exceptions.HTTPError, OSError) as error:
            raise Failed(f"{where} cannot be reached: {type(error).__name__}") from None
    if not 200 <= answer.status < 300:
        raise Failed(f"{where} answered {answer.status}: {found[:200].decode(errors='replace')}")
    return found


def _check(host: str) -> None:
    try:
        found = {entry[4][0] for entry in socket.getaddrinfo(host, None, type=socket.SOCK_STREAM)}
    except (OSError, UnicodeError):
        raise Failed(f"{host[:100]!r} has no address: check the name") from None
    for text in found:
        address = ipaddress.ip_address(str(text).partition("%")[0])
        mapped = getattr(address, "ipv4_mapped", None) or address
        if mapped.is_link_local or mapped.is_unspecified or mapped.is_multicast:
            raise Failed(f"{host} is {address}, which no channel may reach")
