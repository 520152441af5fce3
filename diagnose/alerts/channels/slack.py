"""Slack's incoming webhooks, and what takes the same JSON (Mattermost, Rocket.Chat)."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any

from diagnose.alerts import outgoing
from diagnose.alerts.channel import Field
from diagnose.alerts.message import Message, Notice

NAME, TITLE, REPEAT_SECONDS = "slack", "Slack or compatible", 0.0
FIELDS = (Field("url", "Webhook address", "It holds its key.", secret=True, is_url=True),)
# Slack refuses more than 50 blocks, and texts over 3,000 characters.
_MOST_NOTICES, _MOST_CHARACTERS = 20, 2900


def send(settings: Mapping[str, str], message: Message) -> None:
    body = json.dumps({"text": _safe(message.title), "blocks": list(_blocks(message))}).encode()
    outgoing.post(settings["url"], body, {"Content-Type": "application/json"})


def _blocks(message: Message) -> Iterator[dict[str, Any]]:
    if not message.notices:
        yield _section(_safe("\n".join(message.lines())))
    for notice in message.notices[:_MOST_NOTICES]:
        yield _section(_text(notice))


def _section(text: str) -> dict[str, Any]:
    return {"type": "section", "text": {"type": "mrkdwn", "text": text[:_MOST_CHARACTERS]}}


def _text(notice: Notice) -> str:
    where = f"{notice.host}, {notice.service}" if notice.service else notice.host
    lines = [
        f"*<{notice.url}|{_safe(notice.title)}>*",
        f"{_safe(where)}; impact {notice.impact:.0%}, confidence {notice.confidence:.0%}",
    ]
    if notice.status == "firing":
        lines += [_safe(notice.impact_text)]
        lines += [f"*What to do:* {_safe(notice.advice)}"] if notice.advice else []
    return "\n".join(lines)


def _safe(text: str) -> str:
    """Slack's three special characters; with them a host's name could mention everybody."""
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
