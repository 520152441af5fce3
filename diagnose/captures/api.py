"""The collector's side of captures, and the way from the API to the event stream."""

from __future__ import annotations

import time
from typing import Any
from urllib.parse import urlencode

import msgspec
import redis
from django.http import HttpResponse

from collectors.wire import CommandStatus
from diagnose import queue
from diagnose.access import bodies, tickets
from diagnose.access.endpoints import ApiRequest, endpoint
from diagnose.access.problems import Problem
from diagnose.captures import files, lifecycle, query
from diagnose.captures import progress as reports
from diagnose.models import Host, Token
from diagnose.models.access import Role
from diagnose.stream import entries, question
from diagnose.stream.origin import stream_origin

# A page uses its ticket at once; this leaves room for a slow way.
_TICKET_SECONDS = 60
# A collector keeps coming with its own, so that each poll costs the web process nothing; a token that was revoked
# still hears of commands for so long, and can answer none.
COLLECTOR_TICKET_SECONDS = 600
_MOST_COMMANDS = 200


@endpoint("GET", kind=Token.Kind.HOST)
def commands(request: ApiRequest) -> HttpResponse:
    """Commands after `after`: at once for `wait=0`, else by way of the stream process, which may wait."""
    host = _host(request)
    wait = question.wait_seconds(request.GET.get("wait", "25"))
    after = question.position(request.GET.get("after", ""), "after")
    stream = queue.commands_stream(host.id)
    if wait:
        ticket = tickets.sign(stream, COLLECTOR_TICKET_SECONDS)
        return _redirect(request, "commands", ticket, wait=f"{wait:g}", after=after)
    now_ns = time.time_ns()
    try:
        answer = queue.client().xrange(stream, entries.since(after), count=_MOST_COMMANDS)
        found = entries.commands(entries.listed(answer), after, now_ns)
    except redis.RedisError as error:
        raise _queue_away(error) from None
    return HttpResponse(found.body(now_ns), content_type="application/json")


@endpoint("POST", kind=Token.Kind.HOST)
def progress(request: ApiRequest, capture_id: str) -> dict[str, Any]:
    """A collector's report. The answer's `state` tells it when the capture was called off meanwhile."""
    status = bodies.decode(request, CommandStatus)
    if status.id != capture_id:
        detail = f"The body reports on {status.id[:40]!r}, the address is of {capture_id[:40]!r}."
        raise Problem(422, "Two captures", detail, {"id": "is not the one of the address"})
    return {"state": reports.report(_host(request), status).state}


@endpoint("POST", kind=Token.Kind.HOST)
def keep_file(request: ApiRequest, capture_id: str) -> HttpResponse:
    """A file of a capture, as the body."""
    capture = reports.of_host(_host(request), capture_id)
    if capture.state not in (*lifecycle.GOING, lifecycle.State.DONE):
        raise Problem(409, "Not going on", f"Capture {capture.id} is {capture.state}: no file is expected.")
    file = files.keep(capture, request.GET.get("name", ""), request)
    body = msgspec.json.encode({"name": file.name, "bytes": file.bytes})
    return HttpResponse(body, content_type="application/json", status=201)


@endpoint("GET", role=Role.VIEWER)
def events(request: ApiRequest, capture_id: str) -> HttpResponse:
    """A text/event-stream of the capture's changes, each the capture as `GET /captures/{id}` shows it."""
    capture = query.get(capture_id)
    stream = queue.capture_stream(capture.id)
    try:
        if not queue.client().exists(stream):  # older than the queue keeps: then its end is the news
            lifecycle.announce(capture)
    except redis.RedisError as error:
        raise _queue_away(error) from None
    return _redirect(request, "events", tickets.sign(stream, _TICKET_SECONDS))


def _redirect(request: ApiRequest, path: str, ticket: str, **more: str) -> HttpResponse:
    url = f"{stream_origin(request)}/{path}?{urlencode({'ticket': ticket, **more})}"
    return HttpResponse(status=307, headers={"Location": url, "Cache-Control": "no-store"})


def _host(request: ApiRequest) -> Host:
    host = request.actor.host
    if host is None:
        raise Problem(403, "Not a collector", "This token belongs to no host; enrol the collector again.")
    return host


def _queue_away(error: redis.RedisError) -> Problem:
    detail = f"The queue does not answer ({error}); see that Redis or Valkey runs."
    return Problem(503, "Queue away", detail, headers={"Retry-After": "2"})
