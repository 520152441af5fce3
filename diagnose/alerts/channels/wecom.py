"""WeCom (企业微信) group robots: Markdown to the robot's address."""

from __future__ import annotations

import json
from collections.abc import Mapping

from diagnose.alerts import outgoing
from diagnose.alerts.channel import Field
from diagnose.alerts.message import Message

NAME, TITLE, REPEAT_SECONDS = "wecom", "WeCom robot (企业微信)", 0.0
FIELDS = (Field("url", "Robot address", "With its key.", secret=True, is_url=True),)
# The limit of the service for Markdown.
_MOST_BYTES = 4096


def send(settings: Mapping[str, str], message: Message) -> None:
    text = f"**{message.title}**\n" + "\n".join(f"> {line}" for line in message.lines() if line)
    content = text.encode()[: _MOST_BYTES - 1].decode(errors="ignore")
    body = json.dumps({"msgtype": "markdown", "markdown": {"content": content}}).encode()
    check(outgoing.post(settings["url"], body, {"Content-Type": "application/json"}))


def check(answer: bytes) -> None:
    """These services answer 200 to everything, and say in `errcode` whether it was taken. Raises Failed."""
    try:
        found = json.loads(answer)
    except ValueError:
        raise outgoing.Failed("the answer is not JSON: is this the robot's address?") from None
    if not isinstance(found, dict) or found.get("errcode") != 0:
        said = found.get("errmsg") if isinstance(found, dict) else found
        raise outgoing.Failed(f"it was refused: {str(said)[:200]}")
