"""`POST /ingest`: what Pyroscope's clients send, so that they serve here by a change of their server's address.

The query has the application's name with labels (`shop.cpu{region=eu}`), the time and the format; the body is the
profile, by itself or as the part `profile` of a form. Source of the protocol: Pyroscope's "server API" page and what
its Python SDK sends.
"""

from __future__ import annotations

import re
import time
from collections.abc import Mapping
from dataclasses import dataclass

from django.core.exceptions import RequestDataTooBig, TooManyFilesSent
from django.http import HttpResponse
from django.http.multipartparser import MultiPartParserError

from collectors import wire
from collectors.formats import pprof
from collectors.formats.profile import BadProfile, Profile, ValueType
from collectors.formats.stacks import Meaning, Span, to_wire, values_of
from diagnose.access.endpoints import ApiRequest, endpoint
from diagnose.access.problems import Problem
from diagnose.ingest import pprofs, pushed
from diagnose.ingest.formats import folded, speedscope
from diagnose.models.access import Role

MAX_BODY_BYTES = 16 * 1024 * 1024
LONGEST_SECONDS = 24 * 3600
_MOST_LABELS = 32
_NAME = re.compile(r"(?P<app>[^{}]{1,300})(?:\{(?P<labels>[^{}]{0,4000})\})?")
_RELATIVE = re.compile(r"now(?:-(\d{1,6})([smhd]))?")
_SECONDS = {"s": 1, "m": 60, "h": 3600, "d": 86_400}
# Of the name's last part, as older clients write it; the service is what stands before it.
_SUFFIXES: dict[str, Meaning] = {
    "cpu": Meaning("samples", "cpu", "samples"),
    "itimer": Meaning("samples", "cpu", "samples"),
    "wall": Meaning("samples", "wall", "samples"),
    "alloc_space": Meaning("alloc_space", "alloc_space", "bytes"),
    "inuse_space": Meaning("inuse_space", "inuse_space", "bytes"),
    "goroutines": Meaning("goroutine", "goroutine", "count"),
    "mutex_duration": Meaning("delay", "mutex", "nanoseconds"),
    "block_duration": Meaning("delay", "block", "nanoseconds"),
}
_REFUSED = ("trie", "tree", "jfr")
# What tells where it ran, the best first; it becomes the host and is no label any more.
PLACES = ("hostname", "host", "instance", "pod", "node", "host.name", "k8s.pod.name")
_DEFAULT_RATE = 100


@dataclass(frozen=True, slots=True)
class Pushed:
    """What the query says."""

    service: str
    labels: Mapping[str, str]
    source: str
    start_ns: int
    end_ns: int
    format: str
    rate: int
    meaning: Meaning


@endpoint("POST", role=Role.OPERATOR)
def ingest(request: ApiRequest) -> HttpResponse:
    """200 when it is committed; 400, 413, 422, 429 or 503 as problem documents."""
    given = parsed(request.GET.dict(), time.time_ns())
    data = _body(request)
    try:
        stacks = read(given, data)
    except BadProfile as error:
        raise Problem(422, "Not a profile", f"The profile cannot be read: {error}.") from None
    if stacks:
        pushed.store(given.source, stacks)
    return HttpResponse(status=200)


def parsed(query: Mapping[str, str], now_ns: int) -> Pushed:
    """Raises Problem 400 that names the parameter."""
    service, meaning, labels = _named(query.get("name", ""))
    end_ns = _moment("until", query.get("until", ""), now_ns, now_ns)
    start_ns = _moment("from", query.get("from", ""), now_ns, end_ns - 10 * 10**9)
    if not 0 < end_ns - start_ns <= LONGEST_SECONDS * 10**9:
        raise _bad(
            "from", f"{query.get('from')!r} must be before until={query.get('until')!r}, by a day at most"
        )
    source = next((labels.pop(place) for place in PLACES if place in labels), "")
    return Pushed(
        service,
        labels,
        source,
        start_ns,
        end_ns,
        query.get("format", ""),
        _rate(query.get("sampleRate", "")),
        meaning,
    )


def _named(text: str) -> tuple[str, Meaning, dict[str, str]]:
    found = _NAME.fullmatch(text.strip())
    if found is None:
        raise _bad("name", f"{text[:80]!r} is not a name such as shop.cpu{{region=eu}}")
    app, _, last = found["app"].rpartition(".")
    meaning = _SUFFIXES.get(last)
    if meaning is None or not app:
        app, meaning = found["app"], _SUFFIXES["cpu"]
    return app, meaning, _labels(found["labels"] or "")


def _labels(text: str) -> dict[str, str]:
    labels: dict[str, str] = {}
    for part in filter(None, (each.strip() for each in text.split(","))):
        name, equals, value = part.partition("=")
        if not equals or not name.strip():
            raise _bad("name", f"the label {part[:60]!r} is not name=value")
        if not name.startswith("__"):  # of the client itself, another in each process
            labels[name.strip()] = value.strip().strip('"')
    if len(labels) > _MOST_LABELS:
        raise _bad("name", f"it has {len(labels)} labels; at most {_MOST_LABELS} are kept")
    return labels


def _moment(name: str, text: str, now_ns: int, default: int) -> int:
    """Seconds, milli-, micro- or nanoseconds, told apart by their size; or `now-1h`."""
    relative = _RELATIVE.fullmatch(text)
    if not text:
        return default
    if relative:
        return now_ns - int(relative[1] or 0) * _SECONDS[relative[2] or "s"] * 10**9
    if not (text.isascii() and text.isdigit() and len(text) <= 19):
        raise _bad(name, f"{text[:40]!r} is not a time: use Unix seconds, ms, µs or ns, or now-1h")
    value = int(text)
    for limit, factor in ((10**11, 10**9), (10**14, 10**6), (10**17, 10**3)):
        if value < limit:
            return value * factor
    return value


def _rate(text: str) -> int:
    if not text:
        return _DEFAULT_RATE
    if not (text.isascii() and text.isdigit() and 1 <= int(text[:9]) <= 100_000 and len(text) < 7):
        raise _bad("sampleRate", f"{text[:40]!r} is not a rate from 1 to 100000 Hz")
    return int(text)


def _body(request: ApiRequest) -> bytes:
    """The profile; of a form its part `profile`. Raises Problem 400, 413."""
    if int(request.headers.get("Content-Length") or 0) > MAX_BODY_BYTES:
        raise _too_large()
    try:
        if request.content_type == "multipart/form-data":
            part = request.FILES.get("profile")
            data = part.read(MAX_BODY_BYTES + 1) if part else request.POST.get("profile", "").encode()
        else:
            data = request.read(MAX_BODY_BYTES + 1)
    except (RequestDataTooBig, TooManyFilesSent):
        raise _too_large() from None
    except MultiPartParserError as error:
        raise Problem(400, "Form cannot be read", f"{error}.") from None
    if len(data) > MAX_BODY_BYTES:
        raise _too_large()
    if not data:
        raise Problem(400, "No profile", "The body, or its part `profile`, is empty.")
    return data


def read(given: Pushed, data: bytes) -> list[wire.Stacks]:
    """One for each kind of profile that is in it. Raises BadProfile, Problem 422."""
    span = Span(given.service, given.labels, given.start_ns, given.end_ns)
    if given.format in _REFUSED:
        detail = f"format={given.format!r} is not read: send pprof, folded, lines or speedscope."
        raise Problem(
            422, "Unsupported format", detail, errors={"format": "pprof, folded, lines or speedscope"}
        )
    # Clients send pprof in forms without naming it; it is a gzip or begins with its first field.
    if given.format == "pprof" or (not given.format and data[:2] in (b"\x1f\x8b", b"\x0a\x04")):
        lock: pprofs.Lock = "block" if given.meaning.type == "block" else "mutex"
        return pprofs.stacks_of(pprof.read(data), span, 10**9 // given.rate, lock)
    if given.format == "speedscope":
        profile = speedscope.read(data)
    elif given.format in ("", "folded", "lines", "groups"):
        profile = _of_text(data, given)
    else:
        raise _bad("format", f"{given.format[:40]!r} is not known: send pprof, folded, lines or speedscope")
    first = profile.value_types[0].type
    profile.period = profile.period or 10**9 // given.rate
    meaning = Meaning(first, given.meaning.type, given.meaning.unit)
    found = to_wire(profile, values_of(profile, meaning), meaning, span)
    return [found] if found.columns.total else []


def _of_text(data: bytes, given: Pushed) -> Profile:
    if given.format == "lines":
        data = b"\n".join(line + b" 1" for line in data.splitlines() if line.strip())
    return folded.read(data, ValueType(given.meaning.value, ""))


def _bad(name: str, what: str) -> Problem:
    return Problem(400, "Bad request", f"{name}: {what}.", errors={name: what})


def _too_large() -> Problem:
    return Problem(413, "Profile too large", f"A profile may have {MAX_BODY_BYTES} bytes; send shorter ones.")
