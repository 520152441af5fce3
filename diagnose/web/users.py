"""The Users page, for admins: who may come in, as what, and by which link."""

from __future__ import annotations

from typing import Any

from django.contrib import messages
from django.core.exceptions import ValidationError
from django.http import Http404, HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import redirect, render
from django.urls import reverse
from django.views.decorators.http import require_POST

from diagnose.access import accounts, audit, links
from diagnose.access.pages import PageRequest, page
from diagnose.access.problems import Problem
from diagnose.models.access import Role, User


@page(Role.ADMIN)
def users(request: PageRequest) -> HttpResponse:
    return _shown(request)


@require_POST
@page(Role.ADMIN)
def add(request: PageRequest) -> HttpResponseBase:
    """A new account, and the link by which its owner gets in, shown this once."""
    name, role = request.POST.get("name", "").strip(), request.POST.get("role", "")
    if role not in Role.values:
        messages.error(request, f"{role[:40]!r} is no role: choose one of {', '.join(Role.values)}.")
        return redirect("users")
    user = User(username=name, role=role)
    user.set_unusable_password()
    try:
        user.full_clean()
    except ValidationError as error:
        messages.error(request, f"{name[:150]!r} cannot be used: {' '.join(error.messages)}")
        return redirect("users")
    user.save()
    audit.record(request.actor, "create user", user.username, role=role)
    return _with_link(request, user)


@require_POST
@page(Role.ADMIN)
def link(request: PageRequest, user_id: int) -> HttpResponseBase:
    """A new sign-in link, for who lost the password or never had one."""
    user = _of(user_id)
    audit.record(request.actor, "make sign-in link", user.username)
    return _with_link(request, user)


@require_POST
@page(Role.ADMIN)
def change(request: PageRequest, user_id: int) -> HttpResponseBase:
    """Another role, or out (`active` is absent)."""
    user = _of(user_id)
    try:
        accounts.change(
            user,
            request.actor,
            request.POST.get("role", user.role),
            active=request.POST.get("active") == "on",
        )
    except Problem as problem:
        messages.error(request, problem.detail)
    else:
        messages.success(request, f"{user.username} is changed.")
    return redirect("users")


def _of(user_id: int) -> User:
    user = User.objects.filter(pk=user_id).first()
    if user is None:
        raise Http404(f"there is no user {user_id}")
    return user


def _with_link(request: PageRequest, user: User) -> HttpResponse:
    secret = links.create(user, accounts.LINK_LIFETIME)
    address = request.build_absolute_uri(reverse("sign-in-link", args=[secret]))
    answer = _shown(request, link=address, link_of=user)
    answer["Cache-Control"] = "no-store"
    return answer


def _shown(request: PageRequest, **more: Any) -> HttpResponse:
    context = {"people": User.objects.order_by("username"), "roles": Role.choices, **more}
    return render(request, "users.html", context)
