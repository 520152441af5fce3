"""Enrols the machine that `manage.py up` runs on, once, so that its collector can send from the first second."""

from __future__ import annotations

import secrets
import socket
from pathlib import Path

from diagnose.access import audit, enroll, tokens
from diagnose.access.accounts import write_secret
from diagnose.access.problems import Problem


def enrol(state_dir: Path) -> None:
    """Leaves `identity` and a working `token` in the collector's state directory; nothing to do the second time."""
    state_dir.mkdir(mode=0o700, exist_ok=True)
    identity = _identity(state_dir / "identity")
    token = state_dir / "token"
    if token.exists() and _belongs(token.read_text().strip(), identity):
        return
    host, secret = enroll.admit(enroll.Enrolment(name=socket.gethostname() or "localhost", identity=identity))
    write_secret(token, secret)
    audit.record("manage.py", "enrol host", host.name, host=host.pk, identity=identity)


def _identity(path: Path) -> str:
    """Random, not the machine's id: a second server may be tried on the same machine."""
    if not path.exists():
        write_secret(path, secrets.token_hex(16))
    return path.read_text().strip()


def _belongs(secret: str, identity: str) -> bool:
    try:
        token = tokens.authenticate(secret)
    except Problem:
        return False
    return token.host is not None and token.host.identity == identity
