"""Every setting a user meets: its name, how it is read, its default and its meaning. The environment wins over .env.

`README.md` documents this table; a contract test holds the two together.
"""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from ipaddress import IPv4Network, IPv6Network, ip_network
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from dotenv import dotenv_values
from dotenv.parser import parse_stream

ROOT = Path(__file__).resolve().parent.parent
_SIZE = re.compile(r"(\d+(?:\.\d+)?)\s*([KMGT]?)i?B?", re.IGNORECASE)
_POWERS = {"": 0, "K": 1, "M": 2, "G": 3, "T": 4}


class ConfigError(Exception):
    """A setting that cannot be used: the message has the name, the value and the remedy, in one line."""


@dataclass(frozen=True, slots=True)
class Setting:
    """`read` turns the text of the environment into the value, raising ValueError with the remedy."""

    name: str
    default: str
    read: Callable[[str], Any]
    help: str


def _text(value: str) -> str:
    return value


def _port(value: str) -> int:
    if not value.isdigit() or not 1 <= int(value) <= 65535:
        raise ValueError("use a whole number from 1 to 65535")
    return int(value)


def _days(value: str) -> int:
    if not value.isdigit() or int(value) < 1:
        raise ValueError("use a whole number of days, at least 1")
    return int(value)


def _workers(value: str) -> int:
    if not value.isdecimal() or not 1 <= int(value) <= 64:
        raise ValueError("use a whole number from 1 to 64")
    return int(value)


def _networks(value: str) -> list[IPv4Network | IPv6Network]:
    try:
        return [ip_network(each.strip()) for each in value.split(",") if each.strip()]
    except ValueError as error:
        raise ValueError(f"use addresses or networks such as 127.0.0.1,10.0.0.0/8 ({error})") from None


def _flag(value: str) -> bool:
    if value.lower() not in {"0", "1", "true", "false", "yes", "no"}:
        raise ValueError("use 1 or 0")
    return value.lower() in {"1", "true", "yes"}


def _names(value: str) -> list[str]:
    return [name.strip() for name in value.split(",") if name.strip()]


def _size(value: str) -> int:
    match = _SIZE.fullmatch(value.strip())
    if match is None:
        raise ValueError("use a size such as 500M or 20G")
    return int(float(match[1]) * 1024 ** _POWERS[match[2].upper()])


def _source_patterns(value: str) -> list[tuple[str, str]]:
    """`PREFIX=URL` or `URL`, separated by spaces: the file's prefix and the address with {file} and {line}."""
    found = []
    for part in value.split():
        bare = part.startswith(("http://", "https://"))
        prefix, url = ("", part) if bare else (part.partition("=")[0], part.partition("=")[2])
        if not url.startswith(("http://", "https://")) or "{file}" not in url:
            raise ValueError(
                f"{part!r} is no pattern; use https://git.example.com/shop/blob/main/{{file}}#L{{line}}, "
                "or /srv/shop/=https://… for files below that path"
            )
        found.append((prefix, url))
    return found


def _directory(value: str) -> Path:
    return Path(value) if Path(value).is_absolute() else ROOT / value


def _url(*schemes: str) -> Callable[[str], str]:
    def read(value: str) -> str:
        if value and urlsplit(value).scheme not in schemes:
            raise ValueError(
                f"use a URL that begins with {' or '.join(s + '://' for s in schemes)}, or leave it empty"
            )
        return value

    return read


SETTINGS = (
    Setting("DIAGNOSE_PORT", "8000", _port, "Port of the web pages and the API."),
    Setting(
        "DIAGNOSE_STREAM_PORT",
        "0",
        lambda v: _port(v) if v != "0" else 0,
        "Port of the stream process (event streams, collectors' command polls); 0 means the web port + 1.",
    ),
    Setting(
        "DIAGNOSE_BIND", "127.0.0.1", _text, "Address to listen on; 0.0.0.0 for other hosts' collectors."
    ),
    Setting(
        "STREAM_URL",
        "",
        _url("http", "https"),
        "Public address of the stream process behind a reverse proxy; empty: the host of the request at its port.",
    ),
    Setting(
        "TRUSTED_PROXIES",
        "",
        _networks,
        "Addresses or networks of reverse proxies whose X-Forwarded-For and X-Forwarded-Proto count, comma separated.",
    ),
    Setting(
        "PUBLIC_URL",
        "",
        _url("http", "https"),
        "Address under which people reach the pages, for links in alerts; empty: this machine's own.",
    ),
    Setting("SECRET_KEY", "", _text, "Signs sessions and tickets; empty: made once and kept in DATA_DIR."),
    Setting(
        "ALLOWED_HOSTS",
        "localhost,127.0.0.1,[::1]",
        _names,
        "Host names the pages answer to, comma separated.",
    ),
    Setting(
        "WORKERS", "1", _workers, "Worker processes; a fleet that one cannot follow wants a second core's."
    ),
    Setting(
        "COLLECTOR_WHEELS",
        "1",
        _flag,
        "Whether `manage.py up` fetches what other hosts install the collector from, once, from a package registry.",
    ),
    Setting("DATA_DIR", "data", _directory, "Where databases, the queue and generated secrets live."),
    Setting(
        "DATABASE_URL",
        "",
        _url("sqlite", "postgresql", "postgres"),
        "PostgreSQL 14 or newer for telemetry and all else; empty: SQLite files in DATA_DIR.",
    ),
    Setting(
        "REDIS_URL",
        "",
        _url("redis", "rediss", "unix", "redis+socket"),
        "Redis or Valkey; empty: `manage.py up` runs an embedded Valkey on a unix socket inside DATA_DIR.",
    ),
    Setting("RETENTION_PROFILE_DAYS", "7", _days, "How long continuous profiles are kept as they came."),
    Setting("RETENTION_POINT_DAYS", "14", _days, "How long readings and histograms are kept as they came."),
    Setting("RETENTION_CAPTURE_DAYS", "90", _days, "How long captures that somebody asked for are kept."),
    Setting(
        "RETENTION_ROLLUP_DAYS", "90", _days, "How long rollups are kept; not shorter than what they are of."
    ),
    Setting(
        "RETENTION_HISTORY_DAYS",
        "365",
        _days,
        "How long changes of facts, events, gaps and closed findings are kept.",
    ),
    Setting(
        "DISK_BUDGET",
        "20G",
        _size,
        "Most disk space telemetry may take; the oldest raw data goes first, then captures, rollups last.",
    ),
    Setting(
        "SOURCE_URL",
        "",
        _source_patterns,
        "Where a frame's source can be read: an address with {file} and {line}; or PREFIX=ADDRESS, several of them.",
    ),
    Setting("DEBUG", "0", _flag, "Django's debug pages; for development only."),
)


def read_dotenv(path: Path) -> dict[str, str]:
    """Name to text. Raises ConfigError with the line that cannot be read."""
    if not path.exists():
        return {}
    with path.open(encoding="utf-8", errors="replace") as stream:
        for binding in parse_stream(stream):
            if binding.error:
                line = binding.original.string.strip()
                raise ConfigError(
                    f"{path.name} line {binding.original.line}: cannot read {line!r}; write NAME=value, one a line"
                )
    return {name: value or "" for name, value in dotenv_values(path).items()}


def load(environ: Mapping[str, str] | None = None, dotenv: Path | None = None) -> dict[str, Any]:
    """Every setting by name. Raises ConfigError for the first that cannot be used."""
    given = {**read_dotenv(dotenv or ROOT / ".env"), **(os.environ if environ is None else environ)}
    values: dict[str, Any] = {}
    for setting in SETTINGS:
        text = given.get(setting.name, setting.default)
        try:
            values[setting.name] = setting.read(text)
        except ValueError as error:
            raise ConfigError(f"{setting.name}={text!r} cannot be used: {error}") from None
    _check_retention(values)
    return values


def _check_retention(values: Mapping[str, Any]) -> None:
    """A rollup that is dropped before its raw data would be computed anew for ever."""
    for name in ("RETENTION_PROFILE_DAYS", "RETENTION_POINT_DAYS"):
        if values["RETENTION_ROLLUP_DAYS"] < values[name]:
            raise ConfigError(
                f"RETENTION_ROLLUP_DAYS='{values['RETENTION_ROLLUP_DAYS']}' cannot be used: "
                f"use at least the {values[name]} days of {name}"
            )
