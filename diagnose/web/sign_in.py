"""Signing in, by password or one-time link, and signing out."""

from __future__ import annotations

from django.conf import settings
from django.contrib.auth import login, logout
from django.contrib.auth.forms import AuthenticationForm
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render, resolve_url
from django.utils.http import url_has_allowed_host_and_scheme
from django.views.decorators.cache import never_cache
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from diagnose.access import audit, links, throttle
from diagnose.access.actor import actor_of_session, address_of
from diagnose.access.problems import Problem

_BACKEND = "django.contrib.auth.backends.ModelBackend"


def target_of(request: HttpRequest) -> str:
    """Where to go afterwards: `next` when it is an address of ours, else the overview."""
    target = request.POST.get("next", request.GET.get("next", ""))
    ours = url_has_allowed_host_and_scheme(target, {request.get_host()}, require_https=request.is_secure())
    return target if ours else resolve_url(settings.LOGIN_REDIRECT_URL)


@never_cache
@sensitive_post_parameters("password")
@require_http_methods(["GET", "HEAD", "POST"])
def sign_in(request: HttpRequest) -> HttpResponse:
    """The password form. A refused attempt is recorded with the name that was tried."""
    if request.method != "POST":
        if request.user.is_authenticated:
            return redirect(target_of(request))
        return render(
            request, "sign_in.html", {"form": AuthenticationForm(request), "next": target_of(request)}
        )
    name, address = request.POST.get("username", ""), address_of(request)
    if wait := throttle.wait_seconds(name, address):
        return _put_off(request, wait)
    form = AuthenticationForm(request, data=request.POST)
    if not form.is_valid():
        throttle.wrong(name, address)
        audit.record(actor_of_session(request), "refuse sign-in", name)
        page = {"form": form, "next": target_of(request), "refused": True}
        return render(request, "sign_in.html", page, status=401)
    throttle.right(name, address)
    login(request, form.get_user())
    audit.record(actor_of_session(request), "sign in")
    return redirect(target_of(request))


def _put_off(request: HttpRequest, seconds: int) -> HttpResponse:
    """The password is not looked at, so that guessing on tells nothing."""
    form = AuthenticationForm(request, initial={"username": request.POST.get("username", "")})
    page = {"form": form, "next": target_of(request), "wait_seconds": seconds}
    answer = render(request, "sign_in.html", page, status=429)
    answer["Retry-After"] = str(seconds)
    return answer


@never_cache
@require_GET
def sign_in_link(request: HttpRequest, secret: str) -> HttpResponse:
    """A one-time link. A browser that only prefetches does not use it up."""
    if "prefetch" in request.headers.get("Sec-Purpose", request.headers.get("Purpose", "")):
        return HttpResponse(status=204)
    try:
        user = links.redeem(secret)
    except Problem as problem:
        form = AuthenticationForm(request)
        return render(request, "sign_in.html", {"form": form, "problem": problem}, status=problem.status)
    login(request, user, backend=_BACKEND)
    audit.record(actor_of_session(request), "sign in", by="one-time link")
    return redirect("overview")


@require_POST
def sign_out(request: HttpRequest) -> HttpResponse:
    if request.user.is_authenticated:
        audit.record(actor_of_session(request), "sign out")
    logout(request)
    return redirect("sign-in")
