"""A capture on demand of what a Go process serves."""

from __future__ import annotations

import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

from collectors.capture.failures import CaptureError
from collectors.capture.golang import endpoints
from collectors.capture.golang.endpoint import MOST_BYTES, Endpoint, alone
from collectors.capture.golang.profiles import Served
from collectors.capture.kind import File, Request, Result, Watch
from collectors.formats import pprof
from collectors.formats.profile import BadProfile, Profile
from collectors.formats.stacks import Increases, Span, to_wire, values_of
from collectors.wire import Stacks

TELL_SECONDS = 0.5
MOST_TRACE_BYTES = 64 * 1024 * 1024
_NS = 1_000_000_000


def sampled(served: Served, request: Request, watch: Watch) -> Result:
    """What runs in the time that was asked for."""
    endpoint = _endpoint(request)
    began = time.time_ns()
    data = _fetched(endpoint, f"{served.path}?seconds={request.seconds}", request.seconds, watch)
    profile = _read(endpoint, data)
    return _result(served, profile, endpoint, request, began, lambda _, values: values)


def at_once(served: Served, request: Request, watch: Watch) -> Result:
    """What there is now; what is cumulative counts since the process began."""
    endpoint = _endpoint(request)
    began = time.time_ns()
    profile = _read(endpoint, _fetched(endpoint, served.path, 0, watch))
    return _result(served, profile, endpoint, request, began, lambda _, values: values)


def risen(served: Served, request: Request, watch: Watch) -> Result:
    """What came to it in the time that was asked for."""
    endpoint, increases = _endpoint(request), Increases()
    first = _read(endpoint, _fetched(endpoint, served.path, 0, watch))
    (value,) = served.values
    increases.of(first, values_of(first, value.meaning))
    began = time.time_ns()
    until = time.monotonic() + request.seconds
    while (left := until - time.monotonic()) > 0 and watch.wait(min(left, TELL_SECONDS)):
        _tell(endpoint, request.seconds - left, request.seconds, watch)
    last = _read(endpoint, _fetched(endpoint, served.path, 0, watch))
    return _result(
        served,
        last,
        endpoint,
        request,
        began,
        lambda profile, values: increases.of(profile, values) or values,
    )


def traced(request: Request, watch: Watch) -> Result:
    """Go's execution trace, as a file."""
    endpoint = _endpoint(request)
    data = _fetched(endpoint, f"trace?seconds={request.seconds}", request.seconds, watch, MOST_TRACE_BYTES)
    name = f"{endpoint.service.replace('/', '_')}.trace"
    return Result((), 0, f"{len(data) / 1e6:.1f} MB for `go tool trace`", files=(File(name, data),))


def _endpoint(request: Request) -> Endpoint:
    return endpoints.of(request.proc).of_target(request.target, request.denies)


def _fetched(
    endpoint: Endpoint, path: str, seconds: float, watch: Watch, most_bytes: int = MOST_BYTES
) -> bytes:
    """The answer, fetched on a thread of its own so that the capture can be called off."""
    with alone(endpoint, urgent=True) as pull, ThreadPoolExecutor(1) as worker:
        began = time.monotonic()
        answer = worker.submit(pull.fetch, path, seconds, most_bytes)
        try:
            while not answer.done():
                if not watch.wait(min(TELL_SECONDS, seconds or 0.05)):
                    raise CaptureError("The collector stopped in the middle of the capture.")
                _tell(endpoint, time.monotonic() - began, seconds, watch)
        finally:
            if not answer.done():
                pull.end()
        return answer.result()


def _tell(endpoint: Endpoint, elapsed: float, seconds: float, watch: Watch) -> None:
    if seconds:
        words = f"{endpoint.service} profiles itself: {min(elapsed, seconds):.0f} of {seconds:.0f} s"
        watch.tell(min(0.99, elapsed / seconds), words)


def _read(endpoint: Endpoint, data: bytes) -> Profile:
    try:
        return pprof.read(data)
    except BadProfile as error:
        raise CaptureError(f"What {endpoint.url} sent cannot be read: {error}.") from None


def _result(
    served: Served,
    profile: Profile,
    endpoint: Endpoint,
    request: Request,
    began_ns: int,
    counted: Callable[[Profile, list[int]], list[int]],
) -> Result:
    span = Span(endpoint.service, endpoint.labels, began_ns, time.time_ns(), request.id)
    try:
        found: list[Stacks] = [
            to_wire(profile, counted(profile, values_of(profile, value.meaning)), value.meaning, span)
            for value in served.values
        ]
    except BadProfile as error:
        raise CaptureError(f"What {endpoint.url} sent is another profile: {error}.") from None
    count = len(found[0].columns.sample_stacks)
    if not count and served.needs:
        return Result(
            tuple(found), 0, "", f"Nothing was counted. Go counts it only for programs that {served.needs}."
        )
    total = found[0].columns.total if found[0].unit in ("samples", "count") else count
    words = {"samples": "samples", "count": "goroutines"}.get(found[0].unit, "stacks")
    seconds = (span.end_ns - began_ns) / _NS
    return Result(tuple(found), total, f"{total} {words} in {seconds:.1f} s")
