"""Bounds on what comes from outside: cut where the end does not matter, refused where it makes the identity."""

from __future__ import annotations

from diagnose.ingest.content import Malformed

MAX_LABELS = 32
# Sums of this many stay exact in 64 bits and as a JSON number.
MAX_COUNT = 1 << 53
_METRIC_CHARS, _LABEL_CHARS = 120, 500
# A profile's labels are part of its key, and PostgreSQL takes 2,704 bytes of a key into a B-tree.
_KEY_BYTES = 2_000


def cut(text: str, chars: int) -> str:
    """At most `chars` characters, without NUL, which databases refuse."""
    if "\0" in text:
        text = text.replace("\0", "�")
    return text if len(text) <= chars else text[: chars - 1] + "…"


def cut_all(texts: list[str], chars: int) -> list[str]:
    """The same for many; nearly always none needs it."""
    if "\0" not in "".join(texts) and max(map(len, texts), default=0) <= chars:
        return texts
    return [cut(text, chars) for text in texts]


def checked_name(metric: str) -> str:
    """A metric's name as it is. Raises Malformed."""
    if not 0 < len(metric) <= _METRIC_CHARS or "\0" in metric:
        raise Malformed(f"metric name {metric[:60]!r} has not 1 to {_METRIC_CHARS} characters")
    return metric


def checked_labels(labels: dict[str, str]) -> dict[str, str]:
    """Labels with their values cut. Raises Malformed when there are too many."""
    if len(labels) > MAX_LABELS:
        raise Malformed(f"{len(labels)} labels on one sample; at most {MAX_LABELS} are taken")
    return {cut(name, _LABEL_CHARS): cut(value, _LABEL_CHARS) for name, value in labels.items()}


def checked_key(labels: dict[str, str]) -> dict[str, str]:
    """The same for a profile, whose labels together are bounded too. Raises Malformed."""
    checked = checked_labels(labels)
    size = sum(len(name.encode()) + len(value.encode()) for name, value in checked.items())
    if size > _KEY_BYTES:
        raise Malformed(
            f"the labels of a profile have {size} bytes; at most {_KEY_BYTES} are taken: shorten their values"
        )
    return checked
