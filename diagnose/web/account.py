"""One's own account: the password, and tokens for scripts."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from django.contrib import messages
from django.contrib.auth import update_session_auth_hash
from django.contrib.auth.forms import SetPasswordForm
from django.http import Http404, HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import redirect, render
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_POST

from diagnose.access import audit, tokens
from diagnose.access.pages import PageRequest, page
from diagnose.access.roles import at_least
from diagnose.models.access import Role, Token, User

DAYS = (("30", "30 days"), ("90", "90 days"), ("365", "a year"), ("", "ever"))


@page()
def account(request: PageRequest) -> HttpResponse:
    return _shown(request)


@sensitive_post_parameters()
@require_POST
@page()
def password(request: PageRequest) -> HttpResponseBase:
    """A new password; who has one must know it."""
    user = _user(request)
    if user.has_usable_password() and not user.check_password(request.POST.get("old", "")):
        audit.record(request.actor, "refuse password change", user.username)
        return _shown(request, 422, errors=["That is not your password as it is now."])
    form: SetPasswordForm[User] = SetPasswordForm(user, request.POST)
    if not form.is_valid():
        found = [text for texts in form.errors.values() for text in texts]
        return _shown(request, 422, errors=found)
    form.save()
    update_session_auth_hash(request, user)  # this browser stays signed in, all others are out
    audit.record(request.actor, "change password", user.username)
    messages.success(request, "The password is changed; other browsers have to sign in again.")
    return redirect("account")


@require_POST
@page()
def add_token(request: PageRequest) -> HttpResponseBase:
    """A new token, shown this once, with at most the role that its owner has."""
    role, days = request.POST.get("role", ""), request.POST.get("days", "")
    label = request.POST.get("label", "").strip()[:200]
    if role not in Role.values or not at_least(request.actor.role, Role(role)) or days not in dict(DAYS):
        messages.error(request, "Choose a role that you have yourself, and one of the times.")
        return redirect("account")
    lifetime = timedelta(days=int(days)) if days else None
    secret = tokens.issue(Token.Kind.USER, label=label, scopes=[role], user=_user(request), lifetime=lifetime)
    audit.record(request.actor, "issue token", label, role=role, days=days)
    answer = _shown(request, secret=secret)
    answer["Cache-Control"] = "no-store"
    return answer


@require_POST
@page()
def revoke_token(request: PageRequest, token_id: int) -> HttpResponseBase:
    """One's own; admins may revoke anybody's on the Users page by letting the user go."""
    token = _user(request).tokens.filter(pk=token_id, kind=Token.Kind.USER).first()
    if token is None:
        raise Http404(f"you have no token {token_id}")
    tokens.revoke(token)
    audit.record(request.actor, "revoke token", token.label or token.prefix)
    messages.success(request, f"The token {token.prefix}… is refused from now on.")
    return redirect("account")


def _user(request: PageRequest) -> User:
    """Of a page's guard: somebody is signed in."""
    user = request.user
    if not isinstance(user, User):
        raise Http404("nobody is signed in")
    return user


def _shown(request: PageRequest, status: int = 200, **more: Any) -> HttpResponse:
    user = _user(request)
    context = {
        "tokens": user.tokens.filter(kind=Token.Kind.USER, revoked_at=None).order_by("-created_at"),
        "has_password": user.has_usable_password(),
        "roles": [
            (value, title) for value, title in Role.choices if at_least(request.actor.role, Role(value))
        ],
        "days": DAYS,
        **more,
    }
    return render(request, "account.html", context, status=status)
