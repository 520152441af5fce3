"""The forms of the Finding page: what a person sent becomes one call of `findings.actions`."""

from __future__ import annotations

from django.contrib import messages
from django.http import Http404

from diagnose.access.pages import PageRequest
from diagnose.access.problems import Problem
from diagnose.findings import actions
from diagnose.models import Finding

MUTE_CHOICES = ((1, "1 hour"), (24, "1 day"), (24 * 7, "1 week"), (24 * 30, "30 days"))
FEEDBACK_CHOICES = (("right", "It was right"), ("wrong", "It was wrong"))
_DONE = {
    "acknowledge": "Noted: you are on it.",
    "applied": "Noted. If the change helped, the finding resolves by itself after three quiet minutes.",
    "mute": "Muted.",
    "unmute": "No longer muted.",
    "feedback": "Thank you: this is what the confidence is fitted to.",
}


def act(request: PageRequest, finding: Finding, action: str) -> None:
    """Does it and says so on the next page; a refusal is said there too. Raises Http404 for an unknown action."""
    if action not in _DONE:
        raise Http404(f"There is no action {action!r}.")
    try:
        _act(request, finding, action)
    except Problem as problem:
        messages.error(request, problem.detail)
    else:
        messages.success(request, _DONE[action])


def _act(request: PageRequest, finding: Finding, action: str) -> None:
    text = request.POST.get("text", "").strip()
    if action == "acknowledge":
        actions.acknowledge(finding, request.actor, text)
    elif action == "applied":
        actions.applied(finding, request.actor, text)
    elif action == "mute":
        actions.mute(finding, request.actor, seconds=_hours(request) * 3600, reason=text)
    elif action == "unmute":
        actions.unmute(finding, request.actor, text)
    else:
        actions.feedback(finding, request.actor, right=_right(request), text=text)


def _hours(request: PageRequest) -> float:
    given = request.POST.get("hours", "")
    if not given.isdecimal() or len(given) > 6:
        raise Problem(422, "Bad duration", f"hours={given[:20]!r}: choose how long to mute.")
    return float(given)


def _right(request: PageRequest) -> bool:
    given = request.POST.get("verdict", "")
    if given not in dict(FEEDBACK_CHOICES):
        raise Problem(422, "No judgement", f"verdict={given[:20]!r}: choose right or wrong.")
    return given == "right"
