"""The Notifications pages: channels, what each tells, a test of it, and what was told."""

from __future__ import annotations

from typing import Any

from django.contrib import messages
from django.http import Http404, HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import redirect, render
from django.utils import timezone
from django.views.decorators.http import require_POST

from diagnose.access import audit
from diagnose.access.pages import PageRequest, page
from diagnose.access.roles import at_least
from diagnose.alerts import channels, deliver
from diagnose.alerts.channel import Kind
from diagnose.models import AlertChannel, AlertDelivery
from diagnose.models.access import Role
from diagnose.web import notification_form

_LOG = 100


@page()
def notifications(request: PageRequest) -> HttpResponse:
    log = AlertDelivery.objects.select_related("channel", "finding__host")[:_LOG]
    context = {
        "channels": [(channel, channels.of(channel.kind)) for channel in AlertChannel.objects.all()],
        "kinds": channels.ALL,
        "log": log,
        "may_change": at_least(request.actor.role, Role.ADMIN),
    }
    return render(request, "notifications.html", context)


@page(Role.ADMIN)
def new(request: PageRequest, kind: str) -> HttpResponseBase:
    return _form(request, AlertChannel(kind=kind))


@page(Role.ADMIN)
def channel(request: PageRequest, channel_id: int) -> HttpResponseBase:
    return _form(request, _of(channel_id))


@require_POST
@page(Role.ADMIN)
def test(request: PageRequest, channel_id: int) -> HttpResponseBase:
    """Sends a test and waits for how it went."""
    found, now = _of(channel_id), timezone.now()
    row = AlertDelivery.objects.create(
        channel=found, kind=AlertDelivery.Kind.TEST, episode_at=now, due_at=now
    )
    error = deliver.tell(found, [row], now)
    AlertDelivery.objects.filter(pk=row.pk, state=AlertDelivery.State.WAITING).update(
        state=AlertDelivery.State.FAILED
    )
    audit.record(request.actor, "test channel", found.name, error=error)
    if error:
        messages.error(request, f"“{found.name}” was not reached: {error}")
    else:
        messages.success(request, f"A test was sent to “{found.name}”.")
    return redirect("notifications")


@require_POST
@page(Role.ADMIN)
def delete(request: PageRequest, channel_id: int) -> HttpResponseBase:
    found = _of(channel_id)
    audit.record(request.actor, "delete channel", found.name, kind=found.kind)
    found.delete()
    messages.success(request, f"“{found.name}” was deleted; nothing is told there any more.")
    return redirect("notifications")


def _of(channel_id: int) -> AlertChannel:
    found = AlertChannel.objects.filter(pk=channel_id).first()
    if found is None:
        raise Http404(f"there is no channel {channel_id}")
    return found


def _form(request: PageRequest, given: AlertChannel) -> HttpResponseBase:
    kind = channels.of(given.kind)
    if kind is None:
        raise Http404(f"there is no kind of channel {given.kind!r}")
    errors: dict[str, str] = {}
    if request.method == "POST":
        filled = notification_form.fill(given, kind, request.POST.dict())
        errors = filled.errors
        if not errors:
            what = "change channel" if given.pk else "add channel"
            given.save()
            audit.record(request.actor, what, given.name, kind=given.kind)
            messages.success(request, f"“{given.name}” is saved. Send it a test.")
            return redirect("notifications")
    context = {
        "channel": given,
        "kind": kind,
        "fields": [_shown(each.name, kind, given, errors) for each in kind.FIELDS],
        "errors": errors,
        "confidence": round(given.least_confidence * 100),
        "impact": round(given.least_impact * 100),
        "repeats": ((0, "once"), (1, "every hour"), (4, "every 4 hours"), (12, "every 12 hours"),
                    (24, "every day"), (168, "every week")),
    }  # fmt: skip
    return render(request, "notification.html", context, status=422 if errors else 200)


def _shown(name: str, kind: Kind, given: AlertChannel, errors: dict[str, str]) -> dict[str, Any]:
    """A field with its value; a secret's is never shown again."""
    found = next(each for each in kind.FIELDS if each.name == name)
    known = given.settings.get(name, "")
    return {
        "field": found,
        "value": "" if found.secret else known,
        "is_set": bool(found.secret and known),
        "error": errors.get(f"setting-{name}", ""),
    }
