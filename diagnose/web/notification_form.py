"""A channel as its form gives it: checked field by field, with secrets sealed before they are stored."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import time
from urllib.parse import urlsplit

from diagnose.access import sealing
from diagnose.alerts.channel import Field, Kind
from diagnose.models import AlertChannel

_MOST_CHARACTERS = 2000
_PATTERNS = ("rules", "hosts", "services")
_REPEATS = (0, 1, 4, 12, 24, 168)


@dataclass(slots=True)
class Filled:
    """`errors` by field; the channel is to be saved when there are none."""

    channel: AlertChannel
    errors: dict[str, str] = field(default_factory=dict)


def fill(channel: AlertChannel, kind: Kind, given: Mapping[str, str]) -> Filled:
    """The channel with what was given. A secret that is left empty stays as it was."""
    filled = Filled(channel)
    channel.kind = kind.NAME
    channel.name = given.get("name", "").strip()[:120]
    if not channel.name:
        filled.errors["name"] = "Give it a name, such as “on call”."
    elif AlertChannel.objects.filter(name=channel.name).exclude(pk=channel.pk).exists():
        filled.errors["name"] = f"There is a channel “{channel.name}” already."
    channel.settings = _settings(kind, channel, given, filled.errors)
    channel.least_confidence = _share("least_confidence", given, filled.errors)
    channel.least_impact = _share("least_impact", given, filled.errors)
    for name in _PATTERNS:
        setattr(channel, name, " ".join(given.get(name, "").split())[:500])
    channel.enabled = given.get("enabled") == "on"
    channel.tell_resolved = given.get("tell_resolved") == "on"
    channel.repeat_hours = _repeat(given.get("repeat_hours", "0"), filled.errors)
    channel.quiet_from = _time("quiet_from", given, filled.errors)
    channel.quiet_to = _time("quiet_to", given, filled.errors)
    return filled


def _settings(
    kind: Kind, channel: AlertChannel, given: Mapping[str, str], errors: dict[str, str]
) -> dict[str, str]:
    settings = {}
    for each in kind.FIELDS:
        text = given.get(f"setting-{each.name}", "").strip()
        if each.secret and not text:
            settings[each.name] = channel.settings.get(each.name, "")
        else:
            settings[each.name] = sealing.seal(text) if each.secret else text
        why = _wrong(each, text, bool(settings[each.name]))
        if why:
            errors[f"setting-{each.name}"] = why
    return settings


def _wrong(each: Field, text: str, has_any: bool) -> str:
    if each.required and not has_any:
        return "This is needed."
    if len(text) > _MOST_CHARACTERS:
        return f"At most {_MOST_CHARACTERS} characters."
    if each.is_url and text:
        parts = urlsplit(text)
        if parts.scheme not in ("http", "https") or not parts.hostname:
            return "An address begins with https:// or http:// and has a host."
    return ""


def _share(name: str, given: Mapping[str, str], errors: dict[str, str]) -> float:
    """Percent in the form, 0 to 1 in the table."""
    try:
        value = float(given.get(name, "") or 0)
    except ValueError:
        value = -1.0
    if not 0 <= value <= 100:
        errors[name] = "A number from 0 to 100."
        return 0.0
    return value / 100


def _repeat(text: str, errors: dict[str, str]) -> int:
    if text not in map(str, _REPEATS):
        errors["repeat_hours"] = f"One of {', '.join(map(str, _REPEATS))} hours."
        return 0
    return int(text)


def _time(name: str, given: Mapping[str, str], errors: dict[str, str]) -> time | None:
    text = given.get(name, "").strip()
    try:
        return time.fromisoformat(text) if text else None
    except ValueError:
        errors[name] = "A time such as 22:00."
        return None
