"""One pack at work: loaded and attached at its first use, drained at every other, and given up in words."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

from collectors.ebpf import pack, support
from collectors.ebpf.attach import attach
from collectors.ebpf.cells import Cell, Cells
from collectors.ebpf.load import Loaded, Rejected, load
from collectors.probe import NoData


@dataclass(frozen=True, slots=True)
class Drained:
    """`lost` events were not counted since the last drain."""

    cells: list[Cell]
    lost: int


class Source:
    """The pack at `path`. `drain` raises NoData with the reason when this host cannot run it; the next tries again."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._loaded: Loaded | None = None
        self._links: list[int] = []
        self._cells: Cells | None = None
        self._lost = 0

    def drain(self) -> Drained:
        """Nothing at the first call, which only begins to count."""
        if self._cells is None:
            self._cells = self._start()
            return Drained([], 0)
        try:
            cells, lost = self._cells.drain(), self._cells.lost()
        except OSError as error:  # the privilege may have been taken away
            self.close()
            raise NoData(support.explain(error, f"reading {self._path.stem}")) from None
        before, self._lost = self._lost, lost
        return Drained(cells, lost - before)

    def _start(self) -> Cells:
        reason = support.missing()
        if reason:
            raise NoData(reason)
        try:
            read = pack.read(self._path)
            self._loaded = load(read)
            for program in read.programs:
                self._links += attach(program, self._loaded.programs[program.name])
        except pack.BadPack as error:
            raise NoData(str(error)) from None
        except Rejected as error:
            raise NoData(f"this kernel's verifier rejected {self._path.stem}: {error}") from None
        except OSError as error:
            self.close()
            raise NoData(support.explain(error, f"loading {self._path.stem}")) from None
        self._lost = 0
        return Cells(self._loaded)

    def __del__(self) -> None:
        self.close()

    def close(self) -> None:
        """Detach and forget; `drain` would begin anew."""
        for link in self._links:
            os.close(link)
        if self._loaded is not None:
            self._loaded.close()
        self._links, self._loaded, self._cells = [], None, None
