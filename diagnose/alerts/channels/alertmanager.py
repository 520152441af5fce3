"""Alertmanager's API v2. It forgets what is not told again, so what lasts is told every minute; grouping is its own."""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import timedelta
from typing import Any

from diagnose.alerts import outgoing
from diagnose.alerts.channel import Field
from diagnose.alerts.message import Message, Notice

NAME, TITLE, REPEAT_SECONDS = "alertmanager", "Alertmanager (API v2)", 60.0
FIELDS = (
    Field("url", "Address", "Such as http://alertmanager:9093; /api/v2/alerts is added.", is_url=True),
    Field("token", "Bearer token", "If a proxy in front asks for one.", secret=True, required=False),
)
# Longer than a few repeats, so that a restart here resolves nothing there.
_LASTS = timedelta(minutes=5)


def send(settings: Mapping[str, str], message: Message) -> None:
    alerts = [_alert(notice, message) for notice in message.notices] or [_test(message)]
    headers = {"Content-Type": "application/json"}
    if settings.get("token"):
        headers["Authorization"] = f"Bearer {settings['token']}"
    outgoing.post(settings["url"].rstrip("/") + "/api/v2/alerts", json.dumps(alerts).encode(), headers)


def _alert(notice: Notice, message: Message) -> dict[str, Any]:
    labels = {
        "alertname": notice.rule,
        "instance": notice.host,
        "service": notice.service,
        "severity": notice.severity,
        "finding": notice.key,
    }
    return {
        "labels": {name: value for name, value in labels.items() if value},
        "annotations": {
            "summary": notice.headline,
            "description": notice.impact_text,
            "advice": notice.advice,
        },
        "startsAt": notice.began_at.isoformat(),
        "endsAt": (notice.ended_at or message.at + _LASTS).isoformat(),
        "generatorURL": notice.url,
    }


def _test(message: Message) -> dict[str, Any]:
    return {
        "labels": {"alertname": "diagnose.test", "severity": "info"},
        "annotations": {"summary": message.title},
        "startsAt": message.at.isoformat(),
        "endsAt": (message.at + timedelta(minutes=1)).isoformat(),
    }
