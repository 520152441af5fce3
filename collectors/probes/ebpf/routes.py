"""Names of routes: a path whose segments that name one thing of many are placeholders. `path.h` has the same classes.

/users/17/orders/9f86d081884c7d65?page=2  →  /users/{number}/orders/{hex}
"""

from __future__ import annotations

import re
import struct

from collectors.ebpf.maps import Map

# As the program numbers them: a request that came in pieces or behind another, and a path that found no room.
NOT_SEEN, NO_ROOM = 0, 1
UNKNOWN, OTHER = "unknown", "other"
_MOST_NAMES = 4096
CUT = "…"

_HASH = struct.Struct("<I")
_PATH_END = re.compile(r"[ ?;\r\n\0]")
_HOST = re.compile(r"^https?://[^/]*")
_UUID = re.compile(r"[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}")
_NUMBER = re.compile(r"[0-9+,\-.:]*[0-9][0-9+,\-.:]*")
_HEX = re.compile(r"(?=.*[0-9])[0-9a-fA-F-]{8,}")


def name_of(path: bytes) -> str:
    """Of the first bytes of a path, as the program kept them: the whole of it when a byte is left."""
    text = path.decode("ascii", "replace")
    whole, *rest = _PATH_END.split(text, maxsplit=1)
    *segments, last = (_HOST.sub("", whole) or "/").split("/")
    named = [_segment(each) for each in segments]
    return "/".join([*named, _segment(last) if rest else CUT])


def _segment(text: str) -> str:
    if "@" in text or "%40" in text:
        return "{email}"
    if "%" in text:
        return "{text}"
    if _NUMBER.fullmatch(text):
        return "{number}"
    if _UUID.fullmatch(text):
        return "{uuid}"
    if _HEX.fullmatch(text):
        return "{hex}"
    has_digit = any("0" <= letter <= "9" for letter in text)
    return "{token}" if len(text) >= (20 if has_digit else 40) else text


class Routes:
    """Name by what the program counts under; keeps the program's table from filling up with what nobody asks for."""

    def __init__(self) -> None:
        self._names: dict[int, str] = {}

    def refresh(self, paths: Map, answered: set[int]) -> None:
        """`answered` are those that had another answer than 404 since the last time: what nobody serves is no route."""
        entries = {_HASH.unpack(key)[0]: path for key, path in paths.entries()}
        # A request may have begun before its path was forgotten, and end after: names stay for a while longer.
        if len(self._names) > _MOST_NAMES:
            self._names = {number: name for number, name in self._names.items() if number in answered}
        for number in answered & entries.keys() - self._names.keys():
            self._names[number] = name_of(entries[number])
        if len(entries) > paths.most_entries // 2:
            paths.delete([_HASH.pack(number) for number in entries.keys() - answered])

    def name(self, number: int) -> str:
        if number == NOT_SEEN:
            return UNKNOWN
        return self._names.get(number, OTHER)
