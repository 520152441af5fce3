"""One pack at work: loaded and attached at its first use, drained at every other, and given up in words."""

from __future__ import annotations

import errno
import os
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from collectors.ebpf import pack, support
from collectors.ebpf.attach import Place, attach, attach_at
from collectors.ebpf.cells import Cell, Cells
from collectors.ebpf.duty import Duty
from collectors.ebpf.load import Loaded, Rejected, load
from collectors.ebpf.maps import Map
from collectors.ebpf.pack import Pack, Program
from collectors.probe import NoData


@dataclass(frozen=True, slots=True)
class Drained:
    """What was counted in `seconds`; `lost` events were not."""

    cells: list[Cell]
    lost: int
    seconds: float


# Not each machine has each system call: aarch64 has epoll_pwait(2) and no epoll_wait(2).
_SYSTEM_CALLS = "tp/syscalls/"
_AT_PLACES = "uprobe"
NOTHING = Drained([], 0, 0.0)
ALWAYS = Duty()


def read_pack(path: Path) -> Pack:
    """NoData when this host cannot run it."""
    reason = support.missing()
    if reason:
        raise NoData(reason)
    try:
        return pack.read(path)
    except pack.BadPack as error:
        raise NoData(str(error)) from None


def load_pack(path: Path, read: Pack) -> Loaded:
    """NoData when the verifier refuses it; OSError when the kernel does, for `support.explain`."""
    try:
        return load(read)
    except Rejected as error:
        raise NoData(f"this kernel's verifier rejected {path.stem}: {error}") from None


class Source:
    """The pack at `path`. `drain` raises NoData with the reason when this host cannot run it; the next tries again.

    By its `duty`, which may be changed, it rests when its events become dear: all that is counted, unless `events_of`
    weighs it otherwise. `places` by program are where those hang that have no tracepoint; it may change while the pack
    rests.
    """

    def __init__(self, path: Path, duty: Duty = ALWAYS) -> None:
        self._path, self.duty = path, duty
        self.events_of: Callable[[list[Cell]], int] = _all_events
        self.places: Mapping[str, Sequence[Place]] = {}
        self._lock = threading.Lock()
        self._loaded: Loaded | None = None
        self._programs: list[Program] = []
        self._links: list[int] = []
        self._cells: Cells | None = None
        self._lost = 0
        self._rests = 0
        self._since = 0.0

    def drain(self) -> Drained:
        """Nothing at the first call, which only begins to count, and while it rests."""
        with self._lock:
            return self._drain()

    def table(self, name: str) -> Map:
        """A map of the pack, between a drain and the next."""
        assert self._loaded is not None
        return self._loaded.maps[name]

    def program(self, name: str) -> int | None:
        """The descriptor of one that is loaded."""
        return None if self._loaded is None else self._loaded.programs[name]

    def rest(self) -> None:
        """Detach until somebody drains again. May be called from another thread."""
        with self._lock:
            self._detach()

    def _drain(self) -> Drained:
        try:
            if self._cells is None:
                self._start()
            elif self._links:
                return self._read(self._cells)
            elif self._rests:
                self._rests -= 1
            else:
                self._cells.begin_round()
                self._attach()
        except OSError as error:  # the privilege may have been taken away
            doing = "loading" if self._cells is None else "reading"
            self.close()
            raise NoData(support.explain(error, f"{doing} {self._path.stem}")) from None
        return NOTHING

    def _read(self, source: Cells) -> Drained:
        cells, lost = source.drain(), source.lost()
        before, self._lost = self._lost, lost
        since, self._since = self._since, time.monotonic()
        seconds = self._since - since
        self._rests = self.duty.rests_after(self.events_of(cells), seconds)
        if self._rests:
            self._detach()
        return Drained(cells, lost - before, seconds)

    def _start(self) -> None:
        read = read_pack(self._path)
        self._loaded, self._programs = load_pack(self._path, read), read.programs
        self._attach()
        self._cells, self._lost = Cells(self._loaded), 0

    def _attach(self) -> None:
        assert self._loaded is not None
        for program in self._programs:
            descriptor = self._loaded.programs[program.name]
            try:
                if program.section == _AT_PLACES:
                    self._links += attach_at(self.places.get(program.name, ()), descriptor)
                else:
                    self._links += attach(program, descriptor)
            except FileNotFoundError:
                if not program.section.startswith(_SYSTEM_CALLS):
                    raise
        if not self._links:
            raise FileNotFoundError(errno.ENOENT, os.strerror(errno.ENOENT))
        self._since = time.monotonic()

    def _detach(self) -> None:
        for link in self._links:
            os.close(link)
        self._links = []

    def __del__(self) -> None:
        self.close()

    def close(self) -> None:
        """Detach and forget; `drain` would begin anew."""
        self._detach()
        if self._loaded is not None:
            self._loaded.close()
        self._loaded, self._cells, self._rests = None, None, 0


def _all_events(cells: list[Cell]) -> int:
    return sum(cell.count for cell in cells)
