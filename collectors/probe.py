"""What a probe is: a named reader of one area of the host that declares its metrics and yields wire samples."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, Protocol, runtime_checkable

from collectors.wire import Sample

Cost = Literal["cheap", "moderate", "dear"]


class NoData(Exception):
    """The host lacks the feature or the privilege; the message says which, for the Collectors page."""


class NotYet(NoData):
    """Another probe has to run first: asked again soon."""


@dataclass(frozen=True, slots=True)
class Metric:
    """A declaration, as `/api/v1` and the documentation show it. `unit` is the SI unit, '' for a count."""

    name: str
    unit: str
    help: str
    labels: tuple[str, ...] = ()
    counter: bool = False


@dataclass(frozen=True, slots=True)
class Host:
    """Where a probe reads. Tests point `proc` and `sys` at a recorded tree; `now_ns` is the time of this pass."""

    proc: Path
    sys: Path
    now_ns: int


@runtime_checkable
class Resting(Protocol):
    """A probe that costs the host something while nobody asks it: told to rest, it lets go until it is asked again."""

    def rest(self) -> None: ...


class Probe(Protocol):
    """One area of the host. An instance lives as long as the agent, so it may keep the last counters.

    `collect` is a generator: what it yielded before an error is kept. It raises `NoData` with the reason
    when the kernel or the privileges lack the feature.
    """

    NAME: str
    METRICS: tuple[Metric, ...]
    COST: Cost
    INTERVAL_SECONDS: float

    def collect(self, host: Host) -> Iterator[Sample]: ...
