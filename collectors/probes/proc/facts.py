"""Slowly changing facts of the host: kernel settings, versions, size. All at the start, then each when it changed."""

from __future__ import annotations

import os
import platform
from collections.abc import Iterator

from collectors import __version__
from collectors.kernel import machine, packages, procfs
from collectors.probe import Cost, Host, Metric, NoData
from collectors.probes.proc import sysctls
from collectors.readings import ChangedFacts
from collectors.wire import Sample

_ROOTS = ("1/root", "self/root")  # PID 1 sees the host's from a container


def parse_os_name(text: bytes) -> str:
    """PRETTY_NAME of an os-release file, '' without one."""
    for line in text.decode("utf-8", "replace").splitlines():
        key, _, value = line.partition("=")
        if key == "PRETTY_NAME":
            return value.strip().strip("\"'")
    return ""


def parse_memory_total(text: bytes) -> int | None:
    """Bytes of RAM, of /proc/meminfo."""
    fields = text.partition(b"MemTotal:")[2].split(None, 1)
    kilobytes = procfs.number(fields[0]) if fields else None
    return None if kilobytes is None else kilobytes * 1024


def parse_cpu_count(text: bytes) -> int:
    """CPUs online, of /proc/stat."""
    lines = (line.split(b" ", 1)[0] for line in text.splitlines())
    return sum(name.startswith(b"cpu") and name[3:].isdigit() for name in lines)


def _read(path: str) -> bytes:
    try:
        return procfs.read(path)
    except OSError:
        return b""


class Facts:
    """What advice and before/after comparisons must know about the host."""

    NAME = "facts"
    COST: Cost = "cheap"
    INTERVAL_SECONDS = 30.0
    METRICS: tuple[Metric, ...] = ()

    def __init__(self) -> None:
        self._changed = ChangedFacts()
        self._unchanging = {
            "machine.architecture": platform.machine(),
            "collector.version": __version__,
            "collector.python": platform.python_version(),
        }

    def collect(self, host: Host) -> Iterator[Sample]:
        """Facts that are new or differ from what was told last."""
        if not procfs.is_directory(f"{host.proc}/sys"):
            raise NoData(f"{host.proc}/sys does not exist: the kernel's settings cannot be read")
        yield from self._changed.news(host.now_ns, self._all(host))

    def _all(self, host: Host) -> Iterator[tuple[str, str]]:
        yield from self._unchanging.items()
        yield "kernel.release", _text(_read(f"{host.proc}/sys/kernel/osrelease"))
        yield "kernel.boot_id", _text(_read(f"{host.proc}/sys/kernel/random/boot_id"))
        names = (parse_os_name(_read(f"{host.proc}/{root}/etc/os-release")) for root in _ROOTS)
        yield "os.name", next((name for name in names if name), "")
        cpus = parse_cpu_count(_read(f"{host.proc}/stat"))
        yield "cpu.count", str(cpus or os.cpu_count() or "")
        total = parse_memory_total(_read(f"{host.proc}/meminfo"))
        yield "memory.total_bytes", "" if total is None else str(total)
        yield (
            "memory.transparent_hugepages",
            _text(_read(f"{host.sys}/kernel/mm/transparent_hugepage/enabled")),
        )
        yield from machine.facts(host.proc, host.sys)
        yield from packages.facts(tuple(f"{host.proc}/{root}" for root in _ROOTS))
        for name, value in sysctls.read_all(host.proc):
            yield f"sysctl.{name}", value


def _text(data: bytes) -> str:
    return data.decode("utf-8", "replace").strip()
