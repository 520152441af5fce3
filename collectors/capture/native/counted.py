"""Stacks that a program counts in the kernel, drained: `stacks.h` is the kernel's side of it."""

from __future__ import annotations

import os
import struct
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Literal, Self

from collectors.ebpf import clock, support
from collectors.ebpf.attach import attach
from collectors.ebpf.cells import Cells
from collectors.ebpf.load import Loaded
from collectors.ebpf.maps import Map
from collectors.ebpf.pack import Pack
from collectors.ebpf.source import load_pack, read_pack
from collectors.probe import NoData

_FOLDER = Path(__file__).parent
_GROUP = struct.Struct("<IQQ16s")
_LEFT = struct.Struct("<Q")
MOST_FRAMES = 127
_STACK = struct.Struct(f"<{MOST_FRAMES}Q")

Addresses = tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Count:
    """`times` one thread name of one process was seen there; addresses leaf first, cut at 127.

    `user` is None when the stack could not be kept: the map was full.
    """

    pid: int
    thread: str
    user: Addresses | None
    kernel: Addresses
    times: int
    waited_ns: int


class Counted:
    """A loaded pack of this folder. Use it as a context manager: leaving it takes all off the kernel."""

    def __init__(self, name: Literal["oncpu", "offcpu"]) -> None:
        """NoData with the reason when this host cannot run it."""
        path = _FOLDER / f"{name}.pack"
        self._name, self._ticks, self._links = name, list[clock.Tick](), list[int]()
        self._pack: Pack = read_pack(path)
        try:
            self._loaded: Loaded = load_pack(path, self._pack)
        except OSError as error:
            raise NoData(support.explain(error, f"loading {name}")) from None
        self._cells, self._stacks = Cells(self._loaded), self._loaded.maps["stacks"]
        self._before: dict[int, Addresses] = {}
        self._lasting = name == "offcpu"  # a wait may outlast many drains

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: TracebackType | type[BaseException] | BaseException | None) -> None:
        self.close()

    @property
    def maps(self) -> dict[str, Map]:
        return self._loaded.maps

    @property
    def programs(self) -> dict[str, int]:
        return self._loaded.programs

    def tick(self, hz: int) -> None:
        """Look this often at each CPU; 0 stops. NoData when the kernel refuses."""
        clock.stop(self._ticks)
        if hz:
            try:
                self._ticks = clock.start(self._loaded.programs["ticked"], hz)
            except OSError as error:
                raise NoData(support.explain(error, f"ticking for {self._name}")) from None

    def attach(self) -> None:
        """Hang the programs on their tracepoints. NoData when the kernel refuses."""
        try:
            for program in self._pack.programs:
                self._links += attach(program, self._loaded.programs[program.name])
        except OSError as error:
            raise NoData(support.explain(error, f"attaching {self._name}")) from None

    def drain(self) -> list[Count]:
        """What was counted since the last call. NoData when the kernel takes the privilege away."""
        try:
            cells = self._cells.drain()
            stacks = self._taken_stacks(self._cells.drained_phase)
        except OSError as error:
            raise NoData(support.explain(error, f"reading {self._name}")) from None
        known = {
            **self._before,
            **stacks,
        }  # a program that ran while the phase turned kept its stack in the old one
        self._before = stacks
        return [_count(cell.group, cell.count, cell.sum_ns, known) for cell in cells]

    def waiting(self, now_ns: int) -> list[Count]:
        """Of `offcpu`: threads that wait still, and for how long. `now_ns` is monotonic, as the kernel's."""
        stacks = self._taken_stacks(None)
        found = []
        for _, value in self._loaded.maps["waiting"].entries():
            (left_ns,) = _LEFT.unpack_from(value)
            group = value[_LEFT.size : _LEFT.size + _GROUP.size]
            found.append(_count(group, 1, max(0, now_ns - left_ns), stacks))
        return found

    def lost(self) -> int:
        """Ticks that were not counted since the pack was loaded."""
        return self._cells.lost()

    def close(self) -> None:
        clock.stop(self._ticks)
        for link in self._links:
            os.close(link)
        self._links = []
        self._loaded.close()

    def _taken_stacks(self, phase: int | None) -> dict[int, Addresses]:
        """Those of a phase, which are forgotten with it; None reads all and leaves them."""
        kept = self._stacks
        every = phase is None or self._lasting
        found = [(key, value) for key, value in kept.entries() if every or key[0] & 1 == phase]
        if not every:
            kept.delete([key for key, _ in found])
        return {int.from_bytes(key, "little"): _addresses(value) for key, value in found}


def _addresses(value: bytes) -> Addresses:
    frames = _STACK.unpack(value)
    return frames[: frames.index(0)] if 0 in frames else frames


def _count(group: bytes, times: int, waited_ns: int, stacks: Mapping[int, Addresses]) -> Count:
    pid, user, kernel, name = _GROUP.unpack(group)
    thread = name.partition(b"\0")[0].decode("utf-8", "replace")
    of_user = stacks.get(user) if user else ()
    return Count(pid, thread, of_user, stacks.get(kernel, ()), times, waited_ns)
