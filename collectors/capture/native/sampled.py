"""Samples of some processes with all it takes to unwind them, at any rate: what a capture reads."""

from __future__ import annotations

import platform
from collections.abc import Iterable, Iterator
from pathlib import Path
from types import TracebackType
from typing import Self

from collectors.capture.native.ring import KINDS, KINDS_BY_CHAIN, REGISTERS, WITHOUT_USER_CHAIN, Ring, Sample
from collectors.ebpf import clock, support
from collectors.ebpf.clock import Tick, Wanted
from collectors.ebpf.source import load_pack, read_pack
from collectors.probe import NoData

_PACK = Path(__file__).with_name("wanted.pack")
# Two hundred frames of eighty bytes; a page fewer than 64 kB is the most that a record has room for.
STACK_BYTES = 16 << 10
_RINGS_BYTES = 32 << 20  # of all CPUs together, locked while a capture runs
_LEAST_RING, _MOST_RING = 1 << 18, 1 << 23
_PID_BYTES = 4
_UNWOUND = {"x86_64"}  # whose tables `cfi` reads; elsewhere the kernel's walk by frame pointers is taken


class Sampled:
    """Use it as a context manager: leaving it takes all off the kernel. `want` says whose samples."""

    def __init__(self, hz: int) -> None:
        """NoData with the reason when this host cannot."""
        self._with_stack = platform.machine() in _UNWOUND
        try:
            self._loaded = load_pack(_PACK, read_pack(_PACK))
        except OSError as error:
            raise NoData(support.explain(error, "loading wanted")) from None
        self._ticks: list[Tick] = []
        self._rings: list[Ring] = []
        self._wanted: set[int] = set()
        try:
            self._ticks = clock.start(self._loaded.programs["ticked"], hz, self._asked())
            size = _ring_bytes(len(self._ticks))
            self._rings = [Ring(tick.event, size, self._with_stack) for tick in self._ticks]
        except OSError as error:
            self.close()
            raise NoData(support.explain(error, "sampling with copies of stacks")) from None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: TracebackType | type[BaseException] | BaseException | None) -> None:
        self.close()

    def _asked(self) -> Wanted:
        if not self._with_stack:
            return Wanted(KINDS_BY_CHAIN)
        return Wanted(KINDS, WITHOUT_USER_CHAIN, REGISTERS, STACK_BYTES)

    def want(self, pids: Iterable[int]) -> None:
        """Of these from now on, and of no others."""
        wanted, table = set(pids), self._loaded.maps["wanted"]
        for pid in wanted - self._wanted:
            table.set(pid.to_bytes(_PID_BYTES, "little"), b"\1")
        table.delete([pid.to_bytes(_PID_BYTES, "little") for pid in self._wanted - wanted])
        self._wanted = wanted

    def take(self) -> Iterator[Sample]:
        for ring in self._rings:
            yield from ring.take()

    @property
    def lost(self) -> int:
        """Samples for which the rings had no room, since it began."""
        return sum(ring.lost for ring in self._rings)

    def close(self) -> None:
        for ring in self._rings:
            ring.close()
        clock.stop(self._ticks)
        self._loaded.close()


def _ring_bytes(count: int) -> int:
    """A power of two."""
    fair = _RINGS_BYTES // max(1, count)
    return max(_LEAST_RING, min(_MOST_RING, 1 << fair.bit_length() - 1))
