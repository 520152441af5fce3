"""`POST /push.v1.PusherService/Push`: what newer Pyroscope clients send (its Python SDK from 1.0, Alloy).

The body is a `push.v1.PushRequest` of Pyroscope's published schema: series of labels, each with pprofs.
"""

from __future__ import annotations

import time
from collections.abc import Iterator

from django.core.exceptions import RequestDataTooBig
from django.http import HttpResponse

from collectors import wire
from collectors.formats import pprof, protobuf
from collectors.formats.inflate import inflated
from collectors.formats.profile import BadProfile
from collectors.formats.stacks import Span
from diagnose.access.endpoints import ApiRequest, endpoint
from diagnose.access.problems import Problem
from diagnose.ingest import pprofs, pushed
from diagnose.ingest.pyroscope import LONGEST_SECONDS, MAX_BODY_BYTES, PLACES
from diagnose.models.access import Role

CONTENT_TYPE = "application/proto"
_MOST_UNPACKED_BYTES = 64 * 1024 * 1024
_SERIES, _LABELS, _SAMPLES, _RAW, _NAME, _VALUE = 1, 1, 2, 1, 1, 2
_DEFAULT_PERIOD_NS = 10_000_000
_DEFAULT_SECONDS = 10


@endpoint("POST", role=Role.OPERATOR)
def push(request: ApiRequest) -> HttpResponse:
    """200 when all is committed; 400, 413, 415, 422, 429 or 503 as problem documents.

    A profile that cannot be read does not keep back those beside it: they are committed, then it is told of.
    """
    if request.content_type not in (CONTENT_TYPE, "application/x-protobuf"):
        raise Problem(415, "Unsupported media type", f"Send Content-Type: {CONTENT_TYPE}.")
    data, refused = _body(request), []
    by_source: dict[str, list[wire.Stacks]] = {}
    try:
        for labels, raw in profiles_in(data):
            try:
                source, found = read(labels, raw, time.time_ns())
            except BadProfile as error:
                refused.append(f"{labels.get('service_name', '?')[:80]}: {error}")
            else:
                by_source.setdefault(source, []).extend(found)
    except BadProfile as error:
        raise Problem(400, "Not a push request", f"The body cannot be read: {error}.") from None
    for source, stacks in by_source.items():
        if stacks:
            pushed.store(source, stacks)
    if refused:
        raise Problem(422, "Not a profile", f"{len(refused)} could not be read: {'; '.join(refused[:3])}.")
    return HttpResponse(b"", content_type=CONTENT_TYPE)  # an empty PushResponse


def _body(request: ApiRequest) -> bytes:
    try:
        data = request.read(MAX_BODY_BYTES + 1)
        if len(data) > MAX_BODY_BYTES:
            raise RequestDataTooBig
        return inflated(data, _MOST_UNPACKED_BYTES)
    except (RequestDataTooBig, BadProfile) as error:
        detail = str(error) or f"A push may have {MAX_BODY_BYTES} bytes"
        raise Problem(413, "Push too large", f"{detail}.") from None


def profiles_in(data: bytes) -> Iterator[tuple[dict[str, str], bytes]]:
    """Each pprof with the labels of its series. Raises BadProfile."""
    for series in _parts(data, _SERIES, "the request"):
        labels = dict(_label(each) for each in _parts(series, _LABELS, "a series"))
        for sample in _parts(series, _SAMPLES, "a series"):
            for raw in _parts(sample, _RAW, "a sample"):
                yield labels, raw


def _parts(data: bytes, number: int, what: str) -> list[bytes]:
    return [
        value for found, value in protobuf.fields(data, what) if found == number and isinstance(value, bytes)
    ]


def _label(data: bytes) -> tuple[str, str]:
    parts = dict(protobuf.fields(data, "a label"))
    name, value = parts.get(_NAME, b""), parts.get(_VALUE, b"")
    if not isinstance(name, bytes) or not isinstance(value, bytes):
        raise BadProfile("a label has a number where its text should be")
    return name.decode(errors="replace"), value.decode(errors="replace")


def read(labels: dict[str, str], raw: bytes, now_ns: int) -> tuple[str, list[wire.Stacks]]:
    """The host's name, and what is to be stored. Raises BadProfile."""
    profile = pprof.read(raw)
    kept = {name: value for name, value in labels.items() if not name.startswith(("__", "otel.scope."))}
    service = kept.pop("service_name", "")
    if not service:
        raise BadProfile("its series has no label service_name")
    source = next((kept.pop(place) for place in PLACES if place in kept), "")
    seconds = min(profile.duration_ns or _DEFAULT_SECONDS * 10**9, LONGEST_SECONDS * 10**9)
    start_ns = profile.time_ns or now_ns - seconds
    lock: pprofs.Lock = "block" if labels.get("__name__") == "block" else "mutex"
    span = Span(service[:300], kept, start_ns, start_ns + seconds)
    return source, pprofs.stacks_of(profile, span, _DEFAULT_PERIOD_NS, lock)
