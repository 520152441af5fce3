"""PagerDuty Events API v2, and what takes the same events: one incident a finding, resolved with it."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from diagnose.alerts import outgoing
from diagnose.alerts.channel import Field
from diagnose.alerts.message import Message, Notice

NAME, TITLE, REPEAT_SECONDS = "pagerduty", "PagerDuty (Events v2)", 0.0
FIELDS = (
    Field("routing_key", "Integration key", "Of the service's Events API v2 integration.", secret=True),
    Field("url", "Address", "https://events.pagerduty.com/v2/enqueue, or your region's.", is_url=True),
)
_MOST_SUMMARY = 1024


def send(settings: Mapping[str, str], message: Message) -> None:
    events = [_event(notice) for notice in message.notices] if message.notices else [_test(message)]
    for event in events:
        body = json.dumps({"routing_key": settings["routing_key"], **event}).encode()
        outgoing.post(settings["url"], body, {"Content-Type": "application/json"})


def _event(notice: Notice) -> dict[str, Any]:
    if notice.status == "resolved":
        return {"event_action": "resolve", "dedup_key": notice.key}
    return {
        "event_action": "trigger",
        "dedup_key": notice.key,
        "payload": {
            "summary": notice.headline[:_MOST_SUMMARY],
            "source": notice.host,
            "component": notice.service,
            "class": notice.rule,
            "severity": notice.severity,
            "timestamp": notice.began_at.isoformat(),
            "custom_details": notice.as_json(),
        },
        "links": [{"href": notice.url, "text": "The finding in Diagnose"}],
    }


def _test(message: Message) -> dict[str, Any]:
    """An incident that is of no weight; nobody is woken by `info`."""
    payload = {"summary": message.title, "source": "diagnose", "severity": "info"}
    return {"event_action": "trigger", "dedup_key": "diagnose-test", "payload": payload}
