"""How what a file, a variable or a flag gives becomes a setting's value. Each raises ValueError with the remedy."""

from __future__ import annotations

import re
import socket
import ssl
from collections.abc import Callable
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

_SIZE = re.compile(r"(\d+)\s*([KMG]?)i?B?", re.IGNORECASE)
_POWERS = {"": 0, "K": 1, "M": 2, "G": 3}
_TRUE, _FALSE = {"1", "true", "yes", "on"}, {"0", "false", "no", "off"}


def text(value: Any) -> str:
    if not isinstance(value, str):
        raise ValueError("use a text in quotes")
    return value.strip()


def name(value: Any) -> str:
    given = text(value) or socket.gethostname()
    if len(given) > 253 or not given.isprintable():
        raise ValueError("use up to 253 printable characters")
    return given


def url(value: Any) -> str:
    given = text(value)
    parts = urlsplit(given)
    if given and (parts.scheme not in {"http", "https"} or not parts.hostname):
        raise ValueError("use an address such as https://diagnose.example.com:8000")
    return given.rstrip("/")


def path(value: Any) -> Path:
    given = text(value)
    if not given:
        raise ValueError("use a path")
    return Path(given).absolute()


def certificates(value: Any) -> str:
    given = text(value)
    if given and not Path(given).is_file():
        raise ValueError("there is no such file")
    if given:
        try:
            ssl.create_default_context(cafile=given)
        except OSError:  # ssl.SSLError too
            raise ValueError("it has no certificate that can be read; use a file in PEM form") from None
    return given


def directory(value: Any) -> Path:
    found = path(value)
    if not found.is_dir():
        raise ValueError("there is no such directory")
    return found


def flag(value: Any) -> bool:
    text = str(value).lower()
    if text not in _TRUE | _FALSE:
        raise ValueError("use true or false")
    return text in _TRUE


def size(least: int) -> Callable[[Any], int]:
    def read(value: Any) -> int:
        match = _SIZE.fullmatch(str(value).strip())
        if match is None:
            raise ValueError('use a size such as "256M"')
        amount: int = int(match[1]) * 1024 ** _POWERS[match[2].upper()]
        if amount < least:
            raise ValueError(f"use at least {least // 1024**2}M")
        return amount

    return read


def percent(value: Any) -> float:
    try:
        number = float(value)
    except (TypeError, ValueError):
        raise ValueError("use a number such as 2.0") from None
    if not 0.1 <= number <= 100:
        raise ValueError("use a number from 0.1 to 100")
    return number


def patterns(value: Any) -> tuple[str, ...]:
    names = value.split(",") if isinstance(value, str) else value
    if not isinstance(names, list) or not all(isinstance(name, str) for name in names):
        raise ValueError('use a list such as ["postgres*", "vault"]')
    return tuple(name.strip() for name in names if name.strip())


def targets(example: str, *schemes: str) -> Callable[[Any], tuple[tuple[str, str], ...]]:
    """Services with the addresses of their pages, or whatever has one of the schemes."""

    def read(value: Any) -> tuple[tuple[str, str], ...]:
        found = []
        for entry in patterns(value):
            service, _, address = entry.partition("=")
            parts = urlsplit(address)
            if not service.strip() or parts.scheme not in (schemes or {"http", "https"}):
                raise ValueError(f'use a list such as ["{example}"]')
            if not parts.hostname and not parts.scheme.endswith("+socket"):
                raise ValueError(f'use a list such as ["{example}"]')
            found.append((service.strip(), address))
        return tuple(found)

    return read
