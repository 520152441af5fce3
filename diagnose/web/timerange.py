"""The time range of a page as it stands in its address: `?from=-15m`, or two times as Unix seconds or ISO 8601."""

from __future__ import annotations

import re
import time
from dataclasses import dataclass
from datetime import UTC, datetime
from urllib.parse import urlencode

from django.contrib import messages
from django.http import HttpRequest
from django.utils.translation import gettext, gettext_lazy

DEFAULT_FROM = "-15m"
PRESETS = ("-15m", "-1h", "-6h", "-24h", "-7d")
_IN_WORDS = {"-15m": gettext_lazy("15 minutes"), "-24h": gettext_lazy("24 hours")}
_RELATIVE = re.compile(r"-(\d{1,5})(s|m|h|d)")
_SECONDS = {"s": 1, "m": 60, "h": 3600, "d": 86400}
_UNIX = re.compile(r"\d{1,10}(?:\.\d{1,9})?")
_LONGEST_DAYS = 400
_REMEDY = "use -15m, -1h, -6h, -24h or -7d, Unix seconds, or a time such as 2026-01-31T12:00Z"


class BadRange(ValueError):
    """A range that cannot be shown; the message has the value, the place and the remedy."""


@dataclass(frozen=True, slots=True)
class TimeRange:
    """`given_from` and `given_to` stand in the address; a relative start without an end follows the clock."""

    start_ns: int
    end_ns: int
    given_from: str
    given_to: str = ""

    @property
    def live(self) -> bool:
        return not self.given_to and self.given_from.startswith("-")

    @property
    def seconds(self) -> float:
        return (self.end_ns - self.start_ns) / 1e9

    @property
    def start(self) -> datetime:
        return datetime.fromtimestamp(self.start_ns / 1e9, UTC)

    @property
    def end(self) -> datetime:
        return datetime.fromtimestamp(self.end_ns / 1e9, UTC)

    @property
    def earlier(self) -> tuple[int, int]:
        """Half of the range back, as Unix seconds."""
        return self._moved(-0.5, -0.5)

    @property
    def later(self) -> tuple[int, int]:
        return self._moved(0.5, 0.5)

    @property
    def wider(self) -> tuple[int, int]:
        """Twice as long around the same middle."""
        return self._moved(-0.5, 0.5)

    def _moved(self, start: float, end: float) -> tuple[int, int]:
        begin_s, end_s = self.start_ns / 1e9 + start * self.seconds, self.end_ns / 1e9 + end * self.seconds
        return max(0, int(begin_s)), max(1, int(end_s))

    @property
    def presets(self) -> tuple[str, ...]:
        return PRESETS

    @property
    def query(self) -> str:
        """What keeps this range in a link to another page."""
        given = {"from": self.given_from, "to": self.given_to}
        return urlencode({name: text for name, text in given.items() if text})


def moment_ns(text: str, now_ns: int, name: str) -> int:
    """One time as Unix nanoseconds. ISO 8601 without a zone is UTC. Raises BadRange."""
    relative = _RELATIVE.fullmatch(text)
    if relative:
        return now_ns - int(relative[1]) * _SECONDS[relative[2]] * 10**9
    if _UNIX.fullmatch(text):
        return int(float(text) * 1e9)
    try:
        at = datetime.fromisoformat(text)
        return int((at if at.tzinfo else at.replace(tzinfo=UTC)).timestamp() * 1e9)
    except (ValueError, OverflowError):
        raise BadRange(f"{name}={text[:40]!r} is not a time: {_REMEDY}") from None


def parse(from_text: str, to_text: str, now_ns: int) -> TimeRange:
    """The range of two texts; an empty start means the last 15 minutes, an empty end means now. Raises BadRange."""
    from_text, to_text = from_text.strip() or DEFAULT_FROM, to_text.strip()
    to_text = "" if to_text == "now" else to_text
    start_ns = moment_ns(from_text, now_ns, "from")
    end_ns = moment_ns(to_text, now_ns, "to") if to_text else now_ns
    if start_ns >= end_ns:
        raise BadRange(f"from={from_text!r} is not before to={to_text or 'now'!r}: {_REMEDY}")
    if start_ns < 0 or end_ns - start_ns > _LONGEST_DAYS * 86400 * 10**9:
        raise BadRange(f"from={from_text!r} is more than {_LONGEST_DAYS} days before the end: choose less")
    return TimeRange(start_ns, end_ns, from_text, to_text)


def of_request(request: HttpRequest, default: str = DEFAULT_FROM) -> TimeRange:
    """The range in a page's address; one that cannot be used is said on the page, which shows the default."""
    now_ns = time.time_ns()
    try:
        return parse(request.GET.get("from") or default, request.GET.get("to", ""), now_ns)
    except BadRange as error:
        words = gettext("%(problem)s. Showing the last %(span)s.")
        messages.error(request, words % {"problem": error, "span": _IN_WORDS.get(default, default[1:])})
        return parse(default, "", now_ns)
