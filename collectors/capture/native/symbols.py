"""An address of a process, or of the kernel, becomes a function of a module.

Files are kept by what they are (device, inode, time and size), so that a hundred workers share one table, and a program
that was replaced is read anew. What is kept is bounded in files, symbols and processes.
"""

from __future__ import annotations

import os
import time
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from collectors.capture.folded import Frame
from collectors.capture.native import mappings
from collectors.capture.native.cfi import Tables
from collectors.capture.native.debugfiles import debug_file, opened
from collectors.capture.native.demangling import demangled
from collectors.capture.native.kallsyms import Kallsyms
from collectors.capture.native.mappings import Mapping
from collectors.capture.native.perfmap import PerfMap
from collectors.capture.native.symboltable import SymbolTable
from collectors.processes.elf import Elf, Memory, NotElf

UNMAPPED = "[unknown]"
KERNEL = "[kernel]"
JIT = "[jit]"
_VDSO = "[vdso]"
_MOST_FILES, _MOST_SYMBOLS = 64, 300_000
_MOST_PROCESSES = 256
_MOST_FRAMES = 20_000  # of one process
# A library that was loaded later lies where nothing was; one that took the place of another is found out this late.
_MAPPINGS_SECONDS = 60.0
_AGAIN_SECONDS = 1.0


FileKey = tuple[int, int, int, int]


@dataclass(slots=True)
class Module:
    """One file: its headers, the functions of it and of its separate debug file, and how to unwind them."""

    elf: Elf
    functions: SymbolTable
    _tables: Tables | None = None

    @property
    def tables(self) -> Tables:
        """Read when somebody unwinds: the continuous sampler never does."""
        if self._tables is None:
            self._tables = Tables(self.elf)
        return self._tables

    def name_at(self, file_offset: int) -> str | None:
        address = self.elf.address_of(file_offset)
        return None if address is None else self.functions.name_at(address)


class Modules:
    """Files that were met, the least lately used let go."""

    def __init__(self, proc: Path) -> None:
        self._proc = proc
        self._kept: OrderedDict[FileKey, Module | None] = OrderedDict()

    def of(self, pid: int, mapping: Mapping) -> Module | None:
        """None when it is no ELF file, or may not be read."""
        if mapping.path == _VDSO:
            return self._remembered((0, 0, 0, 0), lambda: self._vdso(pid, mapping))
        for path in self._ways_to(pid, mapping):
            try:
                about = Path(path).stat()
            except OSError:
                continue
            key = about.st_dev, about.st_ino, about.st_mtime_ns, about.st_size
            return self._remembered(key, lambda path=path: self._read(pid, Elf(opened(path))))  # type: ignore[misc]
        return None

    def _ways_to(self, pid: int, mapping: Mapping) -> list[str]:
        """The first leads to the mapped file itself, also when it was deleted; it needs CAP_CHECKPOINT_RESTORE."""
        folder = f"{self._proc}/{pid}"
        by_name = [] if mapping.deleted else [f"{folder}/root{mapping.path}"]
        own = [f"{folder}/exe"] if self._is_program(folder, mapping) else []
        return [f"{folder}/map_files/{mapping.start:x}-{mapping.end:x}", *by_name, *own]

    def _is_program(self, folder: str, mapping: Mapping) -> bool:
        try:
            return os.readlink(f"{folder}/exe").removesuffix(" (deleted)") == mapping.path  # noqa: PTH115
        except OSError:
            return False

    def _vdso(self, pid: int, mapping: Mapping) -> Module:
        with Path(f"{self._proc}/{pid}/mem").open("rb", buffering=0) as memory:
            memory.seek(mapping.start)
            return self._read(pid, Elf(Memory(memory.read(mapping.end - mapping.start))))

    def _read(self, pid: int, elf: Elf) -> Module:
        functions = SymbolTable()
        functions.add(elf)
        debug = debug_file(elf.build_id(), (Path("/"), self._proc / str(pid) / "root"))
        if debug is not None:
            functions.add(debug)
        return Module(elf, functions)

    def _remembered(self, key: FileKey, make: Callable[[], Module]) -> Module | None:
        if key not in self._kept:
            try:
                self._kept[key] = make()
            except (OSError, NotElf):
                self._kept[key] = None
        self._kept.move_to_end(key)
        found = self._kept[key]
        self._let_go()
        return found

    def _let_go(self) -> None:
        def symbols() -> int:
            return sum(len(module.functions) for module in self._kept.values() if module)

        while len(self._kept) > 1 and (len(self._kept) > _MOST_FILES or symbols() > _MOST_SYMBOLS):
            self._kept.popitem(last=False)


class Process:
    """One process's addresses. `frame_at` is cheap for those met before."""

    def __init__(self, pid: int, proc: Path, modules: Modules) -> None:
        self._pid, self._proc, self._modules = pid, proc, modules
        self._mappings = mappings.read(proc, pid)
        self._read_at = time.monotonic()
        self._jit = PerfMap(proc, pid)
        self._frames: dict[int, Frame] = {}
        self._files: dict[Mapping, Module | None] = {}

    def frame_at(self, address: int) -> Frame:
        known = self._frames.get(address)
        if known is None:
            if len(self._frames) >= _MOST_FRAMES:
                self._frames.clear()
            known = self._frames[address] = self._find(address)
        return known

    def module_at(self, address: int) -> tuple[Module, int] | None:
        """The file that is mapped there, and where in it."""
        mapping = self.mapping_at(address)
        if mapping is None or not mapping.path:
            return None
        module = self._file_of(mapping)
        return None if module is None else (module, address - mapping.start + mapping.offset)

    def _file_of(self, mapping: Mapping) -> Module | None:
        """Remembered, since a file that was once looked at is found no more when the process has ended."""
        if mapping not in self._files:
            self._files[mapping] = self._modules.of(self._pid, mapping)
        return self._files[mapping]

    def mapping_at(self, address: int) -> Mapping | None:
        found, age = self._mappings.at(address), time.monotonic() - self._read_at
        if age >= (_AGAIN_SECONDS if found is None else _MAPPINGS_SECONDS):
            renewed = mappings.read(self._proc, self._pid)
            self._read_at = time.monotonic()
            if len(renewed):  # else it is gone: what was read before is all there is
                self._mappings = renewed
                self._frames.clear()
                self._files.clear()
            found = self._mappings.at(address)
        return found

    def _find(self, address: int) -> Frame:
        mapping = self.mapping_at(address)
        if mapping is None:
            return Frame(UNMAPPED, "", 0)
        module = self._file_of(mapping) if mapping.path else None
        if module is None and mapping.in_memory:
            return Frame(self._jit.name_at(address) or JIT, JIT, 0)
        offset = address - mapping.start + mapping.offset
        name = module.name_at(offset) if module else None
        if name is None:
            return Frame(f"[{mapping.module}+{offset:#x}]", mapping.path, 0)
        return Frame(demangled(name), mapping.path, 0)


class Symbols:
    """Of all processes and the kernel."""

    def __init__(self, proc: Path = Path("/proc")) -> None:
        self._proc = proc
        self._modules = Modules(proc)
        self._kernel = Kallsyms(proc)
        self._kernel_frames: dict[int, Frame] = {}
        self._processes: OrderedDict[tuple[int, int, int], Process] = OrderedDict()

    def process(self, pid: int) -> Process | None:
        """None when it has ended. After an exec it is another: the program it runs tells them apart."""
        try:
            program = Path(f"{self._proc}/{pid}/exe").stat()
        except OSError:
            return None
        key = pid, program.st_dev, program.st_ino
        if key not in self._processes:
            self._processes[key] = Process(pid, self._proc, self._modules)
        self._processes.move_to_end(key)
        if len(self._processes) > _MOST_PROCESSES:
            self._processes.popitem(last=False)
        return self._processes[key]

    def kernel_frame(self, address: int) -> Frame:
        known = self._kernel_frames.get(address)
        if known is None:
            known = self._kernel_frames[address] = Frame(self._kernel.name_at(address), KERNEL, 0)
            if len(self._kernel_frames) > _MOST_FRAMES:
                self._kernel_frames.clear()
        return known
