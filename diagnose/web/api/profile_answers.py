"""What the endpoints of profiles answer, as types: flame graphs and what else is made of merged profiles."""

from __future__ import annotations

from datetime import datetime

from diagnose.web.api.answers import Answer, HostName


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


class LayeredFrames(Frames, frozen=True):
    """`layer` is a place in `layers`; -1 for a frame that counts to whoever calls it."""

    layer: list[int]


class LayerName(Answer, frozen=True):
    """A layer of a service, such as TLS or the database driver."""

    id: str
    title: str


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

    Of snapshots (`inuse_space`, `goroutine`) it is the mean of those in the range, of other types their sum.
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
    layers: list[LayerName]
    strings: list[str]
    frames: LayeredFrames
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


class DiffSide(Answer, frozen=True):
    """The base of a difference, its `total` in the period of the other side."""

    total: int
    seconds: float
    profiles: int
    unreadable: int


class DiffNodes(Nodes, frozen=True):
    """As the nodes of a flame graph, with the base's counts beside; `change` is of the total, by the diff's mode."""

    base_total: list[int]
    base_self: list[int]
    change: list[float | None]


class Diff(Answer, frozen=True):
    """Two selections of one service. Nodes under the share `cut` on both sides are left out of `nodes_total`.

    A `change` is, by `mode`, the total minus the base's (absolute), the growth against the base per observed second,
    null where the base has nothing (relative), or the share minus the base's share (normalised).
    """

    service: str
    type: str
    unit: str
    period_ns: int
    mode: str
    total: int
    seconds: float
    profiles: int
    unreadable: int
    base: DiffSide
    cut: float
    nodes_total: int
    layers: list[LayerName]
    strings: list[str]
    frames: LayeredFrames
    nodes: DiffNodes


class MatchedFunction(Answer, frozen=True):
    """A function of the name that was asked for; `line` is where most of its own samples are."""

    name: str
    file: str
    line: int


class Sandwich(Answer, frozen=True):
    """One function between its callers, inverted, and its callees; node 0 of both is the function, a recursion once.

    `whole` is the total of the service; nodes under the share `cut` of the function's total are left out.
    """

    service: str
    type: str
    unit: str
    period_ns: int
    seconds: float
    unreadable: int
    whole: int
    self: int
    total: int
    matched: list[MatchedFunction]
    cut: float
    strings: list[str]
    frames: Frames
    callers: Nodes
    callees: Nodes


class Shares(Answer, frozen=True):
    """A function's share of all samples by slice, each `width_seconds` from its start; null where nothing was taken."""

    service: str
    type: str
    function: str
    file: str
    width_seconds: float
    starts: list[datetime]
    samples: list[int]
    self: list[float | None]
    total: list[float | None]


class Part(Answer, frozen=True):
    """What a thread, a host or a value of a label has of the samples; `value` of a host is its id, `name` its name."""

    value: str
    name: str
    total: int
    share: float


class Breakdown(Answer, frozen=True):
    """Largest first; `left_out` more values were not looked at. `labels` are those that can be asked for."""

    service: str
    type: str
    unit: str
    period_ns: int
    total: int
    by: str
    labels: list[str]
    left_out: int
    results: list[Part]


class HeatMap(Answer, frozen=True):
    """`counts[i][j]` samples were taken in the j-th of `rows` parts of the i-th second after `start` (Unix seconds).

    `most` is the highest of them; `untimed` profiles of the range do not tell when their samples were taken.
    """

    service: str
    type: str
    start: int
    seconds: int
    rows: int
    total: int
    most: int
    profiles: int
    untimed: int
    counts: list[list[int]]
