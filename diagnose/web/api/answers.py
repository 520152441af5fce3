"""What the endpoints answer, as types: `openapi` makes schemas of them, tests hold real answers against those.

Times are ISO 8601 UTC; None is "not known", never zero.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any

import msgspec


class Answer(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Base of all: a field that is not described is an error."""


class Host(Answer, frozen=True):
    """A monitored host. `clock_skew_seconds` is the host's clock minus the server's.

    `quarantined_batches` could not be read, `lost_batches` its collector had to drop, `skipped_samples` are of kinds
    that this server does not know.
    """

    id: int
    name: str
    agent: str
    enrolled_at: datetime
    last_seen_at: datetime | None
    clock_skew_seconds: float | None
    failing_probes: int
    quarantined_batches: int
    lost_batches: int
    skipped_samples: int
    url: str


class Probe(Answer, frozen=True):
    """How a probe's last run went; `reason` says in words why not."""

    probe: str
    ok: bool
    reason: str
    seconds: float
    updated_at: datetime


class Unknown(Answer, frozen=True):
    """What could not be told, and why."""

    what: str
    why: str


class Triage(Answer, frozen=True):
    """Where the time of a service's threads went. `shares` add up to 1; `busy` counts threads that were not idle."""

    service: str
    threads: float
    busy: float
    shares: dict[str, float]
    unknown: list[Unknown]


class TriageList(Answer, frozen=True):
    """The services of a host, the busiest first."""

    results: list[Triage]


class Evaluation(Answer, frozen=True):
    """The last time a host was judged: how many rules could be checked, and which could not and why."""

    at: datetime
    checked: int
    unknown: list[Unknown]


class Resource(Answer, frozen=True):
    """The level of what fills up, its growth per second with a 90 % interval, the seconds to its limit with theirs."""

    resource: str
    labels: dict[str, str]
    state: str
    level: float
    limit: float
    per_second: float
    slowest: float
    fastest: float
    seconds: float | None
    soonest: float | None
    latest: float | None
    at: datetime


class ResourceList(Answer, frozen=True):
    """All of a host."""

    results: list[Resource]


class HostDetail(Host, frozen=True):
    """A host with the state of its probes."""

    probes: list[Probe]
    evaluation: Evaluation | None


class HostList(Answer, frozen=True):
    """A page of hosts by name."""

    results: list[Host]
    next: str | None


class Fact(Answer, frozen=True):
    """A slowly changing reading and since when it holds."""

    name: str
    value: str
    since: datetime


class FactChange(Answer, frozen=True):
    """A fact that took another value."""

    name: str
    before: str
    after: str
    at: datetime


class FactList(Answer, frozen=True):
    """All current facts of a host, and those that changed in the range."""

    results: list[Fact]
    changes: list[FactChange]
    next: str | None


class FactChangeList(Answer, frozen=True):
    """A page of changes, oldest first."""

    results: list[FactChange]
    next: str | None


class Event(Answer, frozen=True):
    """Something that happened on a host."""

    kind: str
    at: datetime
    fields: dict[str, str]


class EventList(Answer, frozen=True):
    """A page of events, oldest first."""

    results: list[Event]
    next: str | None


class HostName(Answer, frozen=True):
    """Which host."""

    id: int
    name: str


class Service(Answer, frozen=True):
    """What is profiled under one name; `hosts` and `types` are those with profiles in the range."""

    id: int
    name: str
    first_seen_at: datetime
    hosts: list[HostName]
    types: list[str]
    profiles: int
    seconds: float


class ServiceList(Answer, frozen=True):
    """A page of services by name."""

    results: list[Service]
    next: str | None


class Line(Answer, frozen=True):
    """One series, down-sampled: `values[i]` at `times[i]`; where nothing was measured there is no entry."""

    host: HostName
    metric: str
    labels: dict[str, str]
    counter: bool
    agg: str
    times: list[datetime]
    values: list[float]


class LineList(Answer, frozen=True):
    """A page of series."""

    results: list[Line]
    next: str | None


class Quantile(Answer, frozen=True):
    """So many of the observations took at most `seconds`, give or take the width of a bucket."""

    quantile: float
    seconds: float | None


class DurationHeatMap(Answer, frozen=True):
    """`counts[i][j]` observations in the column that begins at `times[i]` took `edges[j]` up to `edges[j + 1]` seconds.

    Columns in which nothing was observed are left out.
    """

    times: list[datetime]
    edges: list[float]
    counts: list[list[int]]


class Distribution(Answer, frozen=True):
    """Durations in a range, in seconds; of one series, or of all when `host` is null.

    `over_time[i]` is the i-th of `quantiles` in the columns that begin at `times`; `counts` and `means` are of those.
    """

    host: HostName | None
    metric: str
    labels: dict[str, str]
    scheme: str
    count: int
    sum: float
    mean: float | None
    quantiles: list[Quantile]
    times: list[datetime]
    counts: list[int]
    means: list[float | None]
    over_time: list[list[float | None]]
    heat_map: DurationHeatMap | None


class DistributionList(Answer, frozen=True):
    """A page of distributions."""

    results: list[Distribution]
    next: str | None


class Acknowledge(Answer, frozen=True):
    """Somebody looks after it."""

    note: str = ""


class Mute(Answer, frozen=True):
    """Hide the finding for so many seconds."""

    seconds: float
    reason: str = ""


class Applied(Answer, frozen=True):
    """The recommendation was followed."""

    note: str = ""


class Feedback(Answer, frozen=True):
    """Whether the finding was right."""

    right: bool
    text: str = ""


class Problem(msgspec.Struct, frozen=True, omit_defaults=True):
    """RFC 9457. `detail` names the value, the place and the remedy; `errors` is by field."""

    type: str
    title: str
    status: int
    detail: str
    errors: dict[str, str] = {}


class OpenApi(msgspec.Struct, frozen=True):
    """An OpenAPI 3.1 document."""

    openapi: str
    info: dict[str, Any]
    paths: dict[str, Any]
    components: dict[str, Any]
