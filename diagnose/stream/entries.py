"""Entries of Redis streams as they are answered. Pure: reading them is for the caller."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import msgspec

Entry = tuple[bytes, Mapping[bytes, bytes]]

FINAL = frozenset({"done", "failed", "refused", "cancelled", "expired"})


def listed(answer: Any) -> list[Entry]:
    """What XRANGE and XREVRANGE answer on a connection that does not decode."""
    return list(answer or ())


def since(position: str) -> str:
    """XRANGE's first argument for what is after `position`; '' is the beginning."""
    return f"({position}" if position else "-"


@dataclass(frozen=True, slots=True)
class Commands:
    """What a poll is answered: commands that still hold, and the position to ask from next."""

    commands: list[dict[str, Any]]
    after: str

    def body(self, now_ns: int) -> bytes:
        """`now_ns` lets a collector tell how far its clock is off."""
        return msgspec.json.encode({"commands": self.commands, "after": self.after, "now_ns": now_ns})


def commands(entries: Sequence[Entry], after: str, now_ns: int) -> Commands:
    """Of a host's command stream. Those that expired are passed over."""
    found = [msgspec.msgpack.decode(fields[b"command"]) for _, fields in entries]
    last = entries[-1][0].decode() if entries else after
    return Commands([command for command in found if command["expires_ns"] > now_ns], last)


class _Stated(msgspec.Struct):
    state: str


def is_final(entry: Entry) -> bool:
    """Whether a capture's event is its last."""
    return msgspec.json.decode(entry[1][b"event"], type=_Stated).state in FINAL


def server_sent(entry: Entry) -> bytes:
    """One event of a text/event-stream."""
    identifier, fields = entry
    return b"id: %s\ndata: %s\n\n" % (identifier, fields[b"event"])
