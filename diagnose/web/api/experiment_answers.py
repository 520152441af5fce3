"""An experiment as `diagnose.experiments.record` gives it, and what asks for one, for the API's description."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Literal

import msgspec

from diagnose.web.api.answers import Answer

GateOutcome = Literal["passed", "failed", "not measured"]


class SideAsked(msgspec.Struct, frozen=True, rename={"from_": "from"}):
    """Readings of a service on a host (of all services where it is empty) from one time to another."""

    host_id: int
    from_: datetime
    to: datetime
    service: Annotated[str, msgspec.Meta(max_length=300)] = ""


class GateAsked(msgspec.Struct, frozen=True):
    """A measure of the side after (`latency_p99`, `errors`, `load_test.p99` …) that may be at most so much."""

    measure: Annotated[str, msgspec.Meta(max_length=80)]
    at_most: float


class ExperimentAsked(msgspec.Struct, frozen=True):
    """What to compare."""

    title: Annotated[str, msgspec.Meta(min_length=1, max_length=200)]
    before: SideAsked
    after: SideAsked
    gates: Annotated[list[GateAsked], msgspec.Meta(max_length=20)] = []


class LoadTestAsked(msgspec.Struct, frozen=True):
    """What a tool printed or wrote: wrk, hey, k6 (JSON), Locust (CSV) or ApacheBench."""

    side: Literal["before", "after"]
    text: Annotated[str, msgspec.Meta(max_length=1_000_000)]
    name: Annotated[str, msgspec.Meta(max_length=200)] = "load test"


class Side(Answer, frozen=True, rename={"from_": "from"}):
    """One of the two that are compared."""

    host_id: int
    host: str
    service: str
    from_: datetime
    to: datetime


class GateHeld(Answer, frozen=True):
    """Whether a limit held; what was not measured does not pass."""

    measure: str
    at_most: float
    value: float | None
    outcome: GateOutcome


class Step(Answer, frozen=True):
    """A part of a load test with a load of its own."""

    rate: float
    users: float | None
    p95: float | None


class Knee(Answer, frozen=True):
    """Where more load buys latency instead of throughput; `reached` false: it is more than that."""

    rate: float
    seconds: float
    reached: bool
    highest_rate: float


class LoadTest(Answer, frozen=True):
    """The figures of an attached test; `errors` is a share, `latency` in seconds by quantile."""

    side: Literal["before", "after"]
    name: str
    tool: str
    requests: int
    errors: float
    rate: float
    latency: dict[str, float]
    steps: list[Step]
    knee: Knee | None


class Compared(Answer, frozen=True):
    """`low` and `high` bound the difference after − before; the intervals hold together, at 95 %."""

    name: str
    title: str
    unit: str
    before: float
    after: float
    low: float
    high: float
    relative: float | None
    verdict: Literal["better", "worse", "unchanged"]


class Unequal(Answer, frozen=True):
    """What else differed between the sides."""

    name: str
    before: str
    after: str


class Experiment(Answer, frozen=True):
    """Two sides compared at equal load; `load` is what stands for it, null where nothing does."""

    id: str
    title: str
    created_at: datetime
    created_by: str
    before: Side
    after: Side
    gates: list[GateHeld]
    load_tests: list[LoadTest]
    verdict: Literal["improved", "no effect", "worse", "not enough data"]
    reason: str
    load: str | None
    measures: list[Compared]
    unequal: list[Unequal]
    url: str


class ExperimentList(Answer, frozen=True):
    """A page of experiments, the latest first."""

    results: list[Experiment]
    next: str | None
