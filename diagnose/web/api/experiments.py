"""`/experiments`: two windows, hosts or services compared on purpose, with load tests beside them."""

from __future__ import annotations

from typing import Any

from diagnose.access import bodies
from diagnose.access.endpoints import ApiRequest, by_method, endpoint
from diagnose.experiments import record
from diagnose.experiments.compare import Selection, selection
from diagnose.experiments.gates import Gate
from diagnose.models.access import Role
from diagnose.web.api import paging, query
from diagnose.web.api.describe import described
from diagnose.web.api.experiment_answers import (
    Experiment,
    ExperimentAsked,
    ExperimentList,
    LoadTestAsked,
    SideAsked,
)


@endpoint("GET", role=Role.VIEWER)
@described(answer=ExperimentList, query=(query.LIMIT, query.AFTER))
def list_all(request: ApiRequest) -> dict[str, Any]:
    """List experiments, the latest first."""
    shown, following = paging.page_of(request, record.list_experiments())
    return {"results": [record.as_json(each) for each in shown], "next": following}


@endpoint("POST", role=Role.OPERATOR)
@described(answer=Experiment, body=ExperimentAsked, status=201)
def create(request: ApiRequest) -> dict[str, Any]:
    """Compare two sides at equal load, and keep the result."""
    asked = bodies.decode(request, ExperimentAsked)
    gates = [Gate(each.measure, each.at_most) for each in asked.gates]
    made = record.create(
        request.actor, asked.title, _side("before", asked.before), _side("after", asked.after), gates
    )
    return record.as_json(made)


@endpoint("GET", role=Role.VIEWER)
@described(answer=Experiment)
def experiment(_request: ApiRequest, experiment_id: str) -> dict[str, Any]:
    """One experiment with its load tests and gates."""
    return record.as_json(record.get(experiment_id))


@endpoint("POST", role=Role.OPERATOR)
@described(answer=Experiment, body=LoadTestAsked, problems=(409,))
def attach(request: ApiRequest, experiment_id: str) -> dict[str, Any]:
    """Put the result of a load test beside one side."""
    asked, found = bodies.decode(request, LoadTestAsked), record.get(experiment_id)
    return record.as_json(record.attach(found, request.actor, asked.side, asked.name, asked.text.encode()))


def _side(name: str, asked: SideAsked) -> Selection:
    return selection(name, asked.host_id, asked.service, asked.from_, asked.to)


experiments = by_method(GET=list_all, POST=create)
