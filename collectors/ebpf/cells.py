"""The counts that a program keeps by group, drained exactly: `probes/ebpf/cells.h` is the kernel's side of it."""

from __future__ import annotations

import errno
import struct
import time
from collections.abc import Iterator
from dataclasses import dataclass

from collectors.ebpf import syscalls
from collectors.ebpf.load import Loaded
from collectors.ebpf.maps import possible_cpus

_HEAD = struct.Struct("<HBB")  # struct key: bucket, kind, phase; its group follows
_PHASE_OFFSET = 3
_CONTROL = struct.Struct("<II")  # phase, round
# Where membarrier does not work (nohz_full): far longer than any program runs.
_PROGRAM_SECONDS = 0.02
# struct bpf_prog_info: a program that would interrupt itself on one CPU is passed over, and counted (Linux 5.12).
_INFO_BYTES, _MISSED_OFFSET = 216, 208


@dataclass(frozen=True, slots=True)
class Cell:
    """`count` events of one group in one bucket since the last drain. Groups are bytes that each probe reads itself."""

    kind: int
    bucket: int
    group: bytes
    count: int
    sum_ns: int


class Cells:
    """The cells of one loaded pack."""

    def __init__(self, loaded: Loaded) -> None:
        self._cells, self._lost = loaded.maps["cells"], loaded.maps["lost"]
        self._control = loaded.maps["bss"]
        self._programs = list(loaded.programs.values())
        self._phase = self._round = 0
        self.drained_phase = 1
        self._sums = struct.Struct(f"<{2 * possible_cpus()}Q")

    def drain(self) -> list[Cell]:
        """What was counted since the last call; each event is told once."""
        ended, self._phase = self._phase, self._phase ^ 1
        self.drained_phase = ended
        self._write_control()
        _wait_for_programs()
        found = [(key, value) for key, value in self._cells.entries() if key[_PHASE_OFFSET] == ended]
        self._cells.delete([key for key, _ in found])
        return [self._cell(key, value) for key, value in found]

    def begin_round(self) -> None:
        """The programs have not seen everything since the last round: what they remember of it does not count."""
        self._round += 1
        self._write_control()

    def _write_control(self) -> None:
        self._control.set_first(_CONTROL.pack(self._phase, self._round))

    def _cell(self, key: bytes, value: bytes) -> Cell:
        bucket, kind, _ = _HEAD.unpack_from(key)
        by_cpu = self._sums.unpack(value)
        return Cell(kind, bucket, key[_HEAD.size :], sum(by_cpu[::2]), sum(by_cpu[1::2]))

    def lost(self) -> int:
        """Events that were not counted since the pack was loaded: no room, or a program that was passed over."""
        full: int = sum(struct.unpack(f"<{possible_cpus()}Q", next(self._lost.entries())[1]))
        return full + sum(_missed(program) for program in self._programs)


def _wait_for_programs() -> None:
    try:
        syscalls.wait_for_programs()
    except OSError as error:
        if error.errno != errno.EINVAL:
            raise
        time.sleep(_PROGRAM_SECONDS)


def _missed(program: int) -> int:
    info = syscalls.info_of(program, _INFO_BYTES)
    return int.from_bytes(info[_MISSED_OFFSET:], "little")


def by_kind(cells: list[Cell], kind: int) -> Iterator[Cell]:
    """Those of one kind: a pack may count several things."""
    return (cell for cell in cells if cell.kind == kind)
