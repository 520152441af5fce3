"""Experiments that were made: kept, added to, described."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from datetime import UTC, datetime
from typing import Any

from django.db.models import QuerySet

from diagnose.access import audit
from diagnose.access.actor import Actor
from diagnose.access.problems import Problem
from diagnose.experiments import loadtests
from diagnose.experiments.compare import Selection, compared
from diagnose.experiments.gates import Gate, hold
from diagnose.experiments.knee import knee
from diagnose.experiments.loadtests.result import LoadTest, Unreadable
from diagnose.models import Experiment

MOST_LOAD_TESTS = 20
_QUANTILES = {0.5: "p50", 0.9: "p90", 0.95: "p95", 0.99: "p99"}


def create(
    actor: Actor, title: str, before: Selection, after: Selection, gates: Sequence[Gate]
) -> Experiment:
    """Compared at once."""
    experiment = Experiment.objects.create(
        title=title[:200],
        created_by=actor.name[:200],
        before=_kept(before),
        after=_kept(after),
        gates=[asdict(gate) for gate in gates],
        result=compared(before, after),
    )
    audit.record(actor, "create experiment", experiment.id, title=experiment.title)
    return experiment


def attach(experiment: Experiment, actor: Actor, side: str, name: str, data: bytes) -> Experiment:
    """A load test's result beside one side. Raises Problem 422 for what no tool wrote."""
    if len(experiment.load_tests) >= MOST_LOAD_TESTS:
        detail = f"{MOST_LOAD_TESTS} load tests are attached already: make another experiment for more."
        raise Problem(409, "Too many load tests", detail)
    try:
        found = loadtests.read(data)
    except Unreadable as error:
        raise Problem(422, "Not a load test", f"{name}: {error}.", errors={"file": str(error)}) from None
    experiment.load_tests = [*experiment.load_tests, {"side": side, "name": name[:200], **_figures(found)}]
    experiment.save(update_fields=["load_tests"])
    audit.record(actor, "attach load test", experiment.id, side=side, tool=found.tool)
    return experiment


def list_experiments() -> QuerySet[Experiment]:
    """The latest first."""
    return Experiment.objects.all()


def get(experiment_id: str) -> Experiment:
    """Raises Problem 404."""
    found = Experiment.objects.filter(pk=experiment_id).first()
    if found is None:
        raise Problem(404, "No such experiment", f"There is no experiment {experiment_id!r}.")
    return found


def as_json(experiment: Experiment) -> dict[str, Any]:
    """The API's form."""
    gates = [Gate(**each) for each in experiment.gates]
    held = hold(gates, measured(experiment))
    return {
        "id": experiment.id,
        "title": experiment.title,
        "created_at": experiment.created_at.astimezone(UTC).isoformat().replace("+00:00", "Z"),
        "created_by": experiment.created_by,
        "before": experiment.before,
        "after": experiment.after,
        "gates": [{**asdict(each.gate), "value": each.value, "outcome": each.outcome} for each in held],
        "load_tests": experiment.load_tests,
        **experiment.result,
        "url": f"/experiments/{experiment.id}",
    }


def measured(experiment: Experiment) -> dict[str, float]:
    """What gates can be set on: the side after, by measure, and of its load tests by `load_test.p99` and the like."""
    found = {each["name"]: each["after"] for each in experiment.result.get("measures", ())}
    for test in experiment.load_tests:
        if test["side"] == "after":
            found |= {f"load_test.{name}": value for name, value in test["latency"].items()}
            found["load_test.errors"] = test["errors"]
    return found


def _kept(selected: Selection) -> dict[str, Any]:
    return {
        "host_id": selected.host.pk,
        "host": selected.host.name,
        "service": selected.service,
        "from": _time(selected.start),
        "to": _time(selected.end),
    }


def _time(moment: datetime) -> str:
    return moment.astimezone(UTC).isoformat().replace("+00:00", "Z")


def _figures(test: LoadTest) -> dict[str, Any]:
    found = knee(test.steps)
    return {
        "tool": test.tool,
        "requests": test.requests,
        "errors": test.error_share,
        "rate": test.rate,
        "latency": {name: test.latency[share] for share, name in _QUANTILES.items() if share in test.latency},
        "steps": [
            {"rate": step.rate, "users": step.users, "p95": step.latency.get(0.95)} for step in test.steps
        ],
        "knee": None if found is None else asdict(found),
    }
