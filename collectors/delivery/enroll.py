"""`diagnose-collector enroll`: an enrolment token becomes this host's own token."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import msgspec

from collectors import __version__, state
from collectors.config import Config, ConfigError
from collectors.delivery.client import Client
from collectors.state import StateError


class _Enrolled(msgspec.Struct, frozen=True):
    host: int
    token: str


class _Problem(msgspec.Struct, frozen=True):
    title: str = ""
    detail: str = ""


def enroll(config: Config, source: str | None, new_identity: bool) -> None:
    """Ask the server to take this host in; write its token (mode 600) and remember the server's address."""
    if not config.server:
        raise ConfigError("the server's address is missing: give --server https://diagnose.example.com:8000")
    secret = _enrolment_token(source)
    state.prepare(config.state_dir)
    identity = (
        state.make_identity(config.state_dir, machine_id=None)
        if new_identity
        else state.identity(config.state_dir)
    )
    client = Client(
        config.server, lambda: secret, f"diagnose-collector/{__version__}", config.ca_file, config.proxy
    )
    body = msgspec.json.encode({"name": config.name, "identity": identity})
    answer = client.post("/api/v1/enroll", body, {"Content-Type": "application/json"})
    if answer.status != 201:
        raise StateError(f"{config.server} did not enrol this host: {answer.status} {_words(answer.body)}")
    try:
        enrolled = msgspec.json.decode(answer.body, type=_Enrolled)
    except msgspec.MsgspecError:
        raise StateError(f"{config.server} answered like no Diagnose server; is the address right?") from None
    config.token_file.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    state.write_private(config.token_file, enrolled.token + "\n")
    _remember_server(config)
    print(f"enrolled {config.name} as host {enrolled.host} of {config.server}; token in {config.token_file}")


def _remember_server(config: Config) -> None:
    path = config.state_dir / "server"
    if path.exists() and path.read_text().strip() != config.server:
        # Another server knows nothing of the batches before: it is to see a count that begins at 1.
        (config.state_dir / "spool" / "epoch").unlink(missing_ok=True)
    state.write_private(path, config.server + "\n")


def _enrolment_token(source: str | None) -> str:
    if source == "-":
        secret = sys.stdin.readline().strip()
    elif source:
        secret = state.read_token(Path(source))
    else:
        secret = os.environ.get("DIAGNOSE_ENROLL_TOKEN", "").strip()
    if not secret:
        raise ConfigError(
            "the enrolment token is missing: give --enroll-token-file or set DIAGNOSE_ENROLL_TOKEN; "
            "`manage.py enroll` on the server makes one"
        )
    return secret


def _words(body: bytes) -> str:
    try:
        problem = msgspec.json.decode(body, type=_Problem)
    except msgspec.MsgspecError:
        return repr(body[:80])
    return problem.detail or problem.title
