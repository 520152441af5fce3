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


class HostDetail(Host, frozen=True):
    """A host with the state of its probes."""

    probes: list[Probe]


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


class HeatMap(Answer, frozen=True):
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
    heat_map: HeatMap | None


class DistributionList(Answer, frozen=True):
    """A page of distributions."""

    results: list[Distribution]
    next: str | None


class StoredProfiles(Answer, frozen=True):
    """What is stored of one service, host and type: how many profiles, and the time they observed."""

    service: str
    host: HostName
    type: str
    profiles: int
    seconds: float


class StoredProfilesList(Answer, frozen=True):
    """A page of what is stored in the range."""

    results: list[StoredProfiles]
    next: str | None


class Frames(Answer, frozen=True):
    """Columns of one length; `name`, `file` and `module` index `strings`; line 0 is unknown."""

    name: list[int]
    file: list[int]
    line: list[int]
    module: list[int]


class Nodes(Answer, frozen=True):
    """Columns of one length, depth-first, siblings by name; node 0 is the root. `frame` indexes the frames.

    A node begins where its parent begins plus the totals of the siblings before it.
    """

    frame: list[int]
    depth: list[int]
    total: list[int]
    self: list[int]


class FlameGraph(Answer, frozen=True):
    """One unit of `total` and `self` stands for `period_ns` (bytes for allocation profiles).

    `seconds` is the time that all profiles observed; nodes under the share `cut` are left out of `nodes_total`, and
    `unreadable` stored profiles, whose bytes are damaged, of everything.
    """

    service: str
    type: str
    unit: str
    period_ns: int
    total: int
    seconds: float
    cut: float
    nodes_total: int
    unreadable: int
    strings: list[str]
    frames: Frames
    nodes: Nodes


class Function(Answer, frozen=True):
    """One function; `line` is where most of its own samples are. A recursion counts once in `total`."""

    name: str
    file: str
    line: int
    self: int
    total: int


class FunctionList(Answer, frozen=True):
    """Functions by their own samples; `unreadable` stored profiles are damaged and left out."""

    service: str
    type: str
    unit: str
    period_ns: int
    total: int
    seconds: float
    profiles: int
    unreadable: int
    results: list[Function]
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
