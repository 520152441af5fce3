"""Query parameters: each is declared once, read by its view and described by `openapi` from the same declaration."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Generic, TypeVar

from django.http import HttpRequest

from diagnose.access.problems import Problem
from diagnose.web import timerange
from diagnose.web.timerange import BadRange, TimeRange

T = TypeVar("T")
LABEL_PREFIX = "label."
_LONGEST = 500


@dataclass(frozen=True, slots=True)
class Parameter(Generic[T]):
    """`read` turns the text into the value or raises ValueError with the remedy; `default` stands when it is absent."""

    name: str
    help: str
    read: Callable[[str], T]
    default: T
    required: bool = False
    schema: Mapping[str, Any] = field(default_factory=lambda: {"type": "string"})

    def of(self, request: HttpRequest) -> T:
        """The value of one request. Raises Problem 422."""
        text = request.GET.get(self.name, "").strip()
        if not text and not self.required:
            return self.default
        return self._value(text) if text else _missing(self.name, self.help)

    def all_of(self, request: HttpRequest) -> list[T]:
        """Every value of a parameter that may be repeated."""
        return [self._value(text.strip()) for text in request.GET.getlist(self.name) if text.strip()]

    def _value(self, text: str) -> T:
        if len(text) > _LONGEST:
            raise refusal(self.name, f"{text[:40]!r}… is longer than {_LONGEST} characters")
        if "\0" in text:  # no text in a database has one
            raise refusal(self.name, f"{text[:80]!r} holds a NUL character; leave it out")
        try:
            return self.read(text)
        except ValueError as error:
            raise refusal(self.name, f"{text[:80]!r} cannot be used: {error}") from None


def refusal(name: str, what: str) -> Problem:
    """422 about one parameter."""
    return Problem(422, "Query does not fit", f"{name}={what}.", errors={name: what})


def _missing(name: str, help_: str) -> Any:
    raise Problem(
        422,
        "Query does not fit",
        f"{name} is missing: {help_[:1].lower()}{help_[1:]}",
        errors={name: "is required"},
    )


def text(name: str, help_: str, *, required: bool = False, default: str = "") -> Parameter[str]:
    return Parameter(name, help_, str, default, required)


def choice(name: str, help_: str, values: tuple[str, ...], default: str) -> Parameter[str]:
    def read(given: str) -> str:
        if given not in values:
            raise ValueError(f"use one of {', '.join(values)}")
        return given

    return Parameter(name, help_, read, default, schema={"type": "string", "enum": [*values]})


def whole(name: str, help_: str, *, least: int, most: int, default: int) -> Parameter[int]:
    def read(given: str) -> int:
        if not given.isascii() or not given.isdigit() or not least <= int(given) <= most:
            raise ValueError(f"use a whole number from {least} to {most}")
        return int(given)

    schema = {"type": "integer", "minimum": least, "maximum": most, "default": default}
    return Parameter(name, help_, read, default, schema=schema)


def share(name: str, help_: str, default: float) -> Parameter[float]:
    def read(given: str) -> float:
        value = float(given)
        if not 0 <= value <= 1:
            raise ValueError("use a number from 0 to 1")
        return value

    schema = {"type": "number", "minimum": 0, "maximum": 1, "default": default}
    return Parameter(name, help_, read, default, schema=schema)


def flag(name: str, help_: str) -> Parameter[bool]:
    def read(given: str) -> bool:
        if given not in {"0", "1", "true", "false"}:
            raise ValueError("use 1 or 0")
        return given in {"1", "true"}

    return Parameter(name, help_, read, False, schema={"type": "string", "enum": ["0", "1", "true", "false"]})


_WHEN = "Unix seconds, ISO 8601 (UTC when it names no zone), or relative to now such as -15m, -6h, -2d."
FROM = text("from", f"Start of the range, included: {_WHEN} Default: -15m.")
TO = text("to", f"End of the range, not included: {_WHEN} Default: now.")
LABELS = text(f"{LABEL_PREFIX}*", "Only what carries this label, such as label.pid=812; may be repeated.")
LIMIT = whole("limit", "Most results in one answer.", least=1, most=1000, default=100)
AFTER = text("after", "Where the next page begins; take `next` of the answer rather than making one.")


def moment(name: str, help_: str) -> Parameter[int | None]:
    """A time as Unix nanoseconds, None when absent."""
    return Parameter(name, f"{help_} {_WHEN}", lambda given: moment_ns(name, given), None)


def moment_ns(name: str, given: str) -> int:
    """Unix nanoseconds of one text. Raises Problem 422."""
    try:
        return timerange.moment_ns(given, time.time_ns(), name)
    except BadRange as error:
        raise Problem(422, "Query does not fit", f"{error}.", errors={name: str(error)}) from None


def range_of(request: HttpRequest) -> TimeRange:
    """`from` and `to`. Raises Problem 422."""
    try:
        return timerange.parse(FROM.of(request), TO.of(request), time.time_ns())
    except BadRange as error:
        name = str(error).partition("=")[0]
        raise Problem(422, "Query does not fit", f"{error}.", errors={name: str(error)}) from None


def labels_of(request: HttpRequest, prefix: str = LABEL_PREFIX) -> dict[str, str]:
    """`label.x=y` as {"x": "y"}."""
    return {
        name.removeprefix(prefix): value
        for name, value in request.GET.dict().items()
        if name.startswith(prefix) and name != prefix
    }


def check_known(request: HttpRequest, parameters: tuple[Parameter[Any], ...]) -> None:
    """A misspelt parameter is refused rather than ignored. Raises Problem 422."""
    known = {parameter.name for parameter in parameters}
    prefixes = tuple(name.removesuffix("*") for name in known if name.endswith("*"))
    for name in request.GET:
        if name not in known and not name.startswith(prefixes):
            takes = ", ".join(sorted(known)) or "no parameters"
            raise Problem(
                422,
                "Query does not fit",
                f"{name[:80]!r} is not a parameter of {request.path}; it takes {takes}.",
                errors={name[:80]: "is not known here"},
            )
