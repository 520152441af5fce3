"""The Experiments pages: what was compared on purpose, a form to compare two times, and one comparison in full."""

from __future__ import annotations

import time

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect, render

from diagnose.access.pages import PageRequest, page
from diagnose.access.problems import Problem
from diagnose.access.roles import at_least
from diagnose.experiments import record
from diagnose.experiments.compare import Selection, selection
from diagnose.models import Experiment
from diagnose.models.access import Role
from diagnose.store import hosts as store
from diagnose.web.timerange import BadRange, parse

_MOST = 100
SIDES = (("before", "Before", "-30m", "-15m"), ("after", "After", "-15m", "now"))


@page()
def experiments(request: PageRequest) -> HttpResponse:
    """Listed, the latest first; an operator's form makes one more."""
    may_act = at_least(request.actor.role, Role.OPERATOR)
    if request.method == "POST" and may_act:
        try:
            return redirect("experiment", _create(request).id)
        except (Problem, BadRange) as error:
            messages.error(request, getattr(error, "detail", str(error)))
    context = {
        "experiments": [record.as_json(each) for each in record.list_experiments()[:_MOST]],
        "hosts": store.hosts(),
        "sides": [
            {
                "name": name,
                "title": title,
                "host": request.POST.get(f"{name}_host", ""),
                "from": request.POST.get(f"{name}_from", start),
                "to": request.POST.get(f"{name}_to", end),
            }
            for name, title, start, end in SIDES
        ],
        "may_act": may_act,
        "given": request.POST,
    }
    return render(request, "experiments.html", context)


@page()
def experiment(request: PageRequest, experiment_id: str) -> HttpResponse:
    """One, with all that was measured; an operator may put a load test's output beside a side."""
    found = record.get(experiment_id)
    may_act = at_least(request.actor.role, Role.OPERATOR)
    if request.method == "POST" and may_act:
        _attach(request, experiment_id)
        return redirect("experiment", experiment_id)
    return render(request, "experiment.html", {"experiment": record.as_json(found), "may_act": may_act})


def _create(request: PageRequest) -> Experiment:
    title = request.POST.get("title", "").strip() or "Comparison"
    before, after = (_side(request, name) for name, *_ in SIDES)
    return record.create(request.actor, title, before, after, ())


def _side(request: PageRequest, name: str) -> Selection:
    host = request.POST.get(f"{name}_host", "")
    if not host.isdecimal() or len(host) > 9:
        raise Problem(422, "No host", f"{name}: choose a host.")
    span = parse(request.POST.get(f"{name}_from", ""), request.POST.get(f"{name}_to", ""), time.time_ns())
    return selection(name, int(host), request.POST.get("service", "").strip()[:300], span.start, span.end)


def _attach(request: PageRequest, experiment_id: str) -> None:
    side = "before" if request.POST.get("side") == "before" else "after"
    text, name = request.POST.get("text", ""), request.POST.get("name", "").strip() or "load test"
    try:
        record.attach(record.get(experiment_id), request.actor, side, name, text.encode())
    except Problem as problem:
        messages.error(request, problem.detail)
