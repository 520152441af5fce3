"""What all probes here do alike: drain the pack beside their module, tell what it counted and what it could not."""

from __future__ import annotations

import inspect
from collections.abc import Iterator
from pathlib import Path
from typing import ClassVar

from collectors.ebpf import duty
from collectors.ebpf.cells import Cell
from collectors.ebpf.duty import Duty
from collectors.ebpf.source import NOTHING, Source
from collectors.probe import Cost, Host, Metric
from collectors.probes.ebpf import tally
from collectors.wire import Sample


class Packed:
    """A probe says in `told` what the cells of an interval mean. With EVENT_SECONDS it rests when it becomes dear."""

    NAME: str
    METRICS: tuple[Metric, ...]
    COST: Cost = "moderate"
    INTERVAL_SECONDS: float = 10.0
    EVENT_SECONDS: ClassVar[float] = 0.0
    MOST_SHARE: ClassVar[float] = duty.MOST_SHARE
    MOST_RESTS: ClassVar[int] = duty.MOST_RESTS

    def __init__(self) -> None:
        pack = Path(inspect.getfile(type(self))).with_suffix(".pack")
        self._source = Source(pack, Duty(self.EVENT_SECONDS, self.MOST_SHARE, self.MOST_RESTS))

    def rest(self) -> None:
        self._source.rest()

    def collect(self, host: Host) -> Iterator[Sample]:
        drained = self._source.drain()
        if drained is not NOTHING:
            yield from self.told(host, drained.cells)
        yield from tally.account(self.NAME, host.now_ns, drained)

    def told(self, host: Host, cells: list[Cell]) -> Iterator[Sample]:
        raise NotImplementedError
