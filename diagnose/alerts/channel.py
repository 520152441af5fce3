"""What a kind of channel is: its fields for the form, and how it tells a message."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

from diagnose.alerts.message import Message


@dataclass(frozen=True, slots=True)
class Field:
    """One thing to enter. A `secret` is sealed and never shown again; an address that holds a key is one."""

    name: str
    title: str
    help: str = ""
    secret: bool = False
    required: bool = True
    is_url: bool = False


class Kind(Protocol):
    """A module of `diagnose.alerts.channels`. `REPEAT_SECONDS`: tell so often while it lasts; 0 tells once."""

    NAME: str
    TITLE: str
    FIELDS: Sequence[Field]
    REPEAT_SECONDS: float

    def send(self, settings: Mapping[str, str], message: Message) -> None:
        """Raises `outgoing.Failed`."""
