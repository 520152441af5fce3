"""Ask hosts' collectors for captures, or call one off."""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

from collectors.wire import CaptureTarget as CaptureTarget  # whoever asks builds it, without knowing the wire
from diagnose.access import audit
from diagnose.access.actor import Actor
from diagnose.access.problems import Problem
from diagnose.captures import command, kinds, line
from diagnose.captures.lifecycle import State, announce
from diagnose.captures.wanted import MAX_HZ, MAX_SECONDS, MIN_HZ, MIN_SECONDS, Wanted, check, refusal
from diagnose.models import Capture, Host
from diagnose.models.capture import new_ulid

# The target is a wire type, which the layers above take from here.
__all__ = [
    "MAX_HOSTS",
    "MAX_HZ",
    "MAX_SECONDS",
    "MIN_HZ",
    "MIN_SECONDS",
    "CaptureTarget",
    "Wanted",
    "cancel",
    "request_capture",
    "request_group",
]

MAX_HOSTS = 20


def request_capture(host: Host, wanted: Wanted, actor: Actor) -> Capture:
    """A capture whose command waits for the collector, or that waits its turn. Raises Problem 422, 429 or 503."""
    check(wanted)
    missing = kinds.reasons(host)[_kind(wanted)]
    if missing:
        raise refusal({"kind": missing.rstrip(".")})
    line.check_room(host, actor.name)
    capture = _ask(host, wanted, actor, "")
    if capture.state == State.FAILED:
        raise Problem(503, "Queue away", capture.message)
    return capture


def request_group(hosts: Sequence[Host], wanted: Wanted, actor: Actor) -> list[Capture]:
    """One capture a host, with a common group. A host that cannot is in it too, failed in words.

    Raises Problem 422 or 429 when none can be asked at all.
    """
    check(wanted)
    if wanted.target.pid is not None:
        raise refusal({"target.pid": "a process id means something else on each host; give a service"})
    if not 1 <= len(hosts) <= MAX_HOSTS:
        raise refusal({"target.hosts": f"{len(hosts)} hosts given; give 1 to {MAX_HOSTS}"})
    line.check_room(hosts[0], actor.name, len(hosts))
    group = new_ulid()
    return [_ask(host, wanted, actor, group, _why_not(host, wanted, actor)) for host in hosts]


def cancel(capture: Capture, actor: Actor) -> Capture:
    """Call it off: at once for the person, as soon as the collector hears of it on the host.

    Raises Problem 409 when it has ended already.
    """
    waited = capture.state == State.WAITING
    if not line.end(capture, State.CANCELLED, message=f"Cancelled by {actor.name}."):
        raise Problem(409, "Already ended", f"Capture {capture.id} is {capture.state}: nothing to cancel.")
    audit.record(actor, "cancel capture", f"capture {capture.id}", host=capture.host.name)
    if not waited:
        command.call_off(capture)
    return capture


def _kind(wanted: Wanted) -> str:
    kind = kinds.named(wanted.kind)
    assert kind is not None, "it was checked"
    return kind.name


def _why_not(host: Host, wanted: Wanted, actor: Actor) -> str:
    try:
        line.check_room(host, actor.name)
    except Problem as problem:
        return problem.detail
    return kinds.reasons(host)[_kind(wanted)]


def _ask(host: Host, wanted: Wanted, actor: Actor, group: str, why_not: str = "") -> Capture:
    capture = Capture.objects.create(
        host=host,
        group=group,
        pid=wanted.target.pid,
        service=wanted.target.service or "",
        cgroup=wanted.target.cgroup or "",
        container=wanted.target.container or "",
        kind=_kind(wanted),
        seconds=wanted.seconds,
        hz=wanted.hz,
        reason=wanted.reason,
        requested_by=actor.name,
        state=State.WAITING,
        message=line.WAITING,
    )
    _record(capture, wanted, actor)
    if why_not:
        line.end(capture, State.FAILED, message=why_not)
        return capture
    line.move_up(host.pk)
    capture.refresh_from_db()
    if capture.state == State.WAITING:
        announce(capture)
    return capture


def _record(capture: Capture, wanted: Wanted, actor: Actor) -> None:
    audit.record(
        actor,
        "request capture",
        f"capture {capture.id}",
        host=capture.host.name,
        target=msgspec.to_builtins(wanted.target),
        kind=capture.kind,
        seconds=wanted.seconds,
        hz=wanted.hz,
        reason=wanted.reason,
        **({"group": capture.group} if capture.group else {}),
    )
