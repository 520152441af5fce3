"""DingTalk (钉钉) robots: Markdown to the robot's address, signed by time when the robot asks for that."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
from collections.abc import Mapping
from urllib.parse import urlencode

from diagnose.alerts import outgoing
from diagnose.alerts.channel import Field
from diagnose.alerts.channels.wecom import check
from diagnose.alerts.message import Message

NAME, TITLE, REPEAT_SECONDS = "dingtalk", "DingTalk robot (钉钉)", 0.0
FIELDS = (
    Field("url", "Robot address", "With its access token.", secret=True, is_url=True),
    Field("secret", "Signing secret", "Begins with SEC; empty if the robot has none.", True, required=False),
)
_MOST_CHARACTERS = 5000


def send(settings: Mapping[str, str], message: Message) -> None:
    text = f"### {message.title}\n\n" + "\n\n".join(line for line in message.lines() if line)
    markdown = {"title": message.title[:100], "text": text[:_MOST_CHARACTERS]}
    body = json.dumps({"msgtype": "markdown", "markdown": markdown}).encode()
    url = settings["url"]
    if settings.get("secret"):
        url += ("&" if "?" in url else "?") + signed(settings["secret"], int(message.at.timestamp() * 1000))
    check(outgoing.post(url, body, {"Content-Type": "application/json"}))


def signed(secret: str, milliseconds: int) -> str:
    """The part of the address that the service checks."""
    mac = hmac.new(secret.encode(), f"{milliseconds}\n{secret}".encode(), hashlib.sha256).digest()
    return urlencode({"timestamp": milliseconds, "sign": base64.b64encode(mac).decode()})
