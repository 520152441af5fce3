"""A signed webhook: JSON for a program of one's own, or a gateway that acts on it.

`X-Diagnose-Signature: t=UNIX_SECONDS,v1=HEX` is HMAC-SHA256 with the secret over `UNIX_SECONDS.BODY`; whoever takes it
refuses times that are minutes off, and so a message that is played again.
"""

from __future__ import annotations

import hashlib
import hmac
import json
from collections.abc import Mapping

from diagnose.alerts import outgoing
from diagnose.alerts.channel import Field
from diagnose.alerts.message import Message

NAME, TITLE, REPEAT_SECONDS = "webhook", "Webhook (signed JSON)", 0.0
FIELDS = (
    Field("url", "Address", "Gets a POST.", secret=True, is_url=True),
    Field("secret", "Signing secret", "Signs each message; any long random text.", secret=True),
)


def send(settings: Mapping[str, str], message: Message) -> None:
    body = json.dumps(
        {
            "version": 1,
            "test": message.test,
            "title": message.title,
            "sent_at": message.at.isoformat(),
            "alerts": [notice.as_json() for notice in message.notices],
        }
    ).encode()
    headers = {
        "Content-Type": "application/json",
        "X-Diagnose-Signature": signature(settings["secret"], body, int(message.at.timestamp())),
    }
    outgoing.post(settings["url"], body, headers)


def signature(secret: str, body: bytes, unix_seconds: int) -> str:
    """As it stands in the header."""
    signed = hmac.new(secret.encode(), f"{unix_seconds}.".encode() + body, hashlib.sha256).hexdigest()
    return f"t={unix_seconds},v1={signed}"
