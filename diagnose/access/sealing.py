"""Secrets that the server itself must read again (a channel's address, a password): sealed with a key of SECRET_KEY."""

from __future__ import annotations

import base64
import hashlib
from functools import cache

from cryptography.fernet import Fernet, InvalidToken
from django.conf import settings

_PURPOSE = b"diagnose sealed settings 1"


class Unreadable(Exception):
    """Sealed with another SECRET_KEY: it has to be entered again."""


@cache
def _box(key: str) -> Fernet:
    derived = hashlib.scrypt(key.encode(), salt=_PURPOSE, n=2**14, r=8, p=1, dklen=32)
    return Fernet(base64.urlsafe_b64encode(derived))


def seal(text: str) -> str:
    """What may be stored."""
    return _box(settings.SECRET_KEY).encrypt(text.encode()).decode()


def unseal(sealed: str) -> str:
    """Raises Unreadable."""
    try:
        return _box(settings.SECRET_KEY).decrypt(sealed.encode()).decode()
    except InvalidToken:
        raise Unreadable("it was sealed with another SECRET_KEY; enter it again") from None
