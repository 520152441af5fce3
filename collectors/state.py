"""The state directory: whose host this is, the token, one agent at a time, and the file `status` reads."""

from __future__ import annotations

import fcntl
import hashlib
import os
import re
import secrets
from pathlib import Path
from typing import IO

import msgspec

_IDENTITY = re.compile(r"[0-9a-f]{32}")
_MACHINE_ID = Path("/etc/machine-id")


class StateError(Exception):
    """The directory cannot be used as it is; the message says where and what to do."""


class ProbeState(msgspec.Struct, frozen=True):
    """The last run of a probe; `seconds` is CPU time."""

    ok: bool
    reason: str
    seconds: float


class AgentState(msgspec.Struct, frozen=True):
    """What the agent last wrote about itself; times are Unix seconds."""

    version: str
    pid: int
    server: str
    identity: str
    started_at: float
    written_at: float
    epoch: str
    spool_batches: int
    spool_bytes: int
    dropped_batches: int
    disk_error: str
    sent_at: float
    committed_at: float
    committed_seq: int
    quarantined: int
    ship_error: str
    commands_error: str
    cpu_share: float
    rss_bytes: int
    slowdown: float
    probes: dict[str, ProbeState]


def prepare(state_dir: Path) -> None:
    """Make the directory, for its owner only. Raises StateError."""
    try:
        state_dir.mkdir(parents=True, exist_ok=True, mode=0o700)
    except OSError as error:
        raise StateError(
            f"state directory {state_dir}: {error.strerror}; give another one with --state-dir"
        ) from None


def lock(state_dir: Path) -> IO[str]:
    """Hold the directory for this process. Raises StateError when another agent has it."""
    stream = (state_dir / "lock").open("a+")
    try:
        fcntl.flock(stream, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        stream.seek(0)
        holder = stream.read().strip() or "?"
        stream.close()
        raise StateError(
            f"state directory {state_dir} is in use by pid {holder}; stop it or use another --state-dir"
        ) from None
    stream.truncate(0)
    stream.write(f"{os.getpid()}\n")
    stream.flush()
    return stream


def identity(state_dir: Path, machine_id: Path = _MACHINE_ID) -> str:
    """32 hex digits, made once: from the machine id, so that a lost directory is still the same host."""
    path = state_dir / "identity"
    if path.exists():
        text = path.read_text().strip()
        if not _IDENTITY.fullmatch(text):
            raise StateError(f"{path}: {text[:40]!r} is not 32 hex digits; delete the file and enrol again")
        return text
    return make_identity(state_dir, machine_id)


def make_identity(state_dir: Path, machine_id: Path | None) -> str:
    """A new identity, written down; a random one without a machine id (containers, cloned machines)."""
    known = machine_id.read_text().strip() if machine_id and machine_id.exists() else ""
    # Hashed, as machine-id(5) asks of everyone who sends it over a network.
    made = hashlib.sha256(f"diagnose {known}".encode()).hexdigest()[:32] if known else secrets.token_hex(16)
    write_private(state_dir / "identity", made + "\n")
    return made


def write_private(path: Path, text: str) -> None:
    """For the owner only from the first moment on."""
    aside = path.with_suffix(".tmp")
    aside.unlink(missing_ok=True)
    descriptor = os.open(aside, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "w") as stream:
        stream.write(text)
        stream.flush()
        os.fsync(stream.fileno())
    aside.replace(path)


def read_token(path: Path) -> str:
    """The secret in a file. Raises StateError."""
    try:
        token = path.read_text().strip()
    except OSError as error:
        raise StateError(
            f"token file {path}: {error.strerror}; run `diagnose-collector enroll` or give --token-file"
        ) from None
    if not token or not token.isascii() or not token.isprintable() or " " in token:
        raise StateError(f"token file {path} does not hold one token; run `diagnose-collector enroll` again")
    return token


def write_state(state_dir: Path, state: AgentState) -> None:
    """Not synced: it is for people, and written again in ten seconds."""
    path = state_dir / "status.json"
    aside = path.with_suffix(".tmp")
    aside.write_bytes(msgspec.json.encode(state))
    aside.replace(path)


def read_state(state_dir: Path) -> AgentState:
    """Raises StateError when no agent wrote here."""
    path = state_dir / "status.json"
    try:
        return msgspec.json.decode(path.read_bytes(), type=AgentState)
    except FileNotFoundError:
        raise StateError(
            f"{path} does not exist: no collector has run with this state directory; see --state-dir"
        ) from None
    except (OSError, msgspec.MsgspecError) as error:
        raise StateError(f"{path} cannot be read: {error}") from None
