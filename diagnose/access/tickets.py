"""Short-lived signed permission to wait on one Redis stream: the stream process needs only SECRET_KEY to check it."""

from __future__ import annotations

import time

from django.core import signing

from diagnose.access.problems import Problem

_SALT = "diagnose.access.tickets"


def sign(stream: str, seconds: int = 60) -> str:
    """A ticket for `stream` that holds for `seconds` from now."""
    return signing.dumps([stream, int(time.time()) + seconds], salt=_SALT)


def verify(ticket: str) -> str:
    """The stream's name. Raises Problem 401 for a forged or expired ticket."""
    try:
        stream, expires = signing.loads(ticket, salt=_SALT)
    except (signing.BadSignature, ValueError, TypeError):
        raise Problem(401, "Not authorised", "This ticket is not one of ours; ask the API again.") from None
    if time.time() >= expires:
        raise Problem(401, "Not authorised", "This ticket has expired; ask the API again.")
    return str(stream)
