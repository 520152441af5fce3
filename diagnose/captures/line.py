"""The line before each host: a host is busy with so many captures at once, the others wait their turn."""

from __future__ import annotations

import logging
from typing import Any

from django.db import transaction
from django.utils import timezone

from diagnose.access.problems import Problem
from diagnose.captures import command
from diagnose.captures.lifecycle import GOING, OPEN, State, advance, announce
from diagnose.models import Capture, Host

_LOG = logging.getLogger(__name__)

MAX_GOING_PER_HOST = 4
MAX_WAITING_PER_HOST = 20
MAX_OPEN_PER_USER = 40

WAITING = "Waiting for the captures before it on this host."
SENT_OFF = "Waiting for the collector to take the request."


def end(capture: Capture, state: str, **changes: Any) -> bool:
    """Advance to a state that is the last, which lets the next one of the host begin."""
    ended = advance(capture, state, **changes)
    if ended:
        move_up(capture.host_id)
    return ended


def move_up(host_id: int) -> None:
    """Send off as many of those that wait as the host has room for, and tell the others their new places."""
    now = timezone.now()
    with transaction.atomic():
        Host.objects.select_for_update().filter(
            pk=host_id
        ).first()  # two at once would both take the last place
        line = list(Capture.objects.select_related("host").filter(host=host_id, state=State.WAITING))
        line.sort(key=lambda capture: capture.id)
        going = Capture.objects.filter(host=host_id, state__in=GOING).count()
        begun, left = _split(line, MAX_GOING_PER_HOST - going)
        for capture in begun:
            capture.state, capture.queued_at, capture.message = State.QUEUED, now, SENT_OFF
            capture.save(update_fields=["state", "queued_at", "message"])
    for capture in begun:
        announce(capture)
        _send_off(capture)
    for capture in left if begun else []:
        announce(capture)


def check_room(host: Host, user: str, more: int = 1) -> None:
    """Raises Problem 429 when the line before the host is full, or the person has enough going on."""
    waiting = Capture.objects.filter(host=host, state=State.WAITING).count()
    if waiting >= MAX_WAITING_PER_HOST:
        raise _too_many(f"{waiting} captures wait for {host.name} already")
    open_ = Capture.objects.filter(requested_by=user, state__in=OPEN).count()
    if open_ + more > MAX_OPEN_PER_USER:
        raise _too_many(f"{user} has {open_} captures that go on, and may have {MAX_OPEN_PER_USER}")


def _split(line: list[Capture], room: int) -> tuple[list[Capture], list[Capture]]:
    place = max(0, room)
    return line[:place], line[place:]


def _send_off(capture: Capture) -> None:
    try:
        command.send(capture)
    except Problem as problem:
        _LOG.error("capture %s: %s", capture.id, problem.detail)
        advance(capture, State.FAILED, message=problem.detail)


def _too_many(what: str) -> Problem:
    detail = f"{what}; wait until one ends, or cancel one."
    return Problem(429, "Too many captures", detail, headers={"Retry-After": "10"})
