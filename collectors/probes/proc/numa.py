"""Memory nodes of the host: what each has and had to give elsewhere, and on which the watched processes lie and run."""

from __future__ import annotations

import os
import re
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

from collectors.kernel import procfs
from collectors.probe import Cost, Host, Metric, NoData
from collectors.processes import watched
from collectors.processes.identity import Process
from collectors.readings import ChangedFacts, Counters, Series, gauge
from collectors.wire import Sample

# drivers/base/node.c: node_read_numastat, node_read_meminfo
COUNTED = {
    "numa_hit": "Pages that came from the node they were wanted from.",
    "numa_miss": "Pages that came from here though another node was wanted.",
    "numa_foreign": "Pages wanted from here that another node had to give.",
    "interleave_hit": "Pages that were spread over nodes as asked for.",
    "local_node": "Pages given to tasks that ran on the node.",
    "other_node": "Pages given to tasks that ran on another.",
}
HELD = {"MemTotal": "Memory of the node.", "MemFree": "Memory of the node that nobody uses."}
_LABELS = ("pid", "service", "node")
MEMORY, THREADS = "process_numa_memory_bytes", "process_numa_threads"
MOST_PROCESSES = 16
MOST_THREADS = 64
# The kernel walks a process's page tables for numa_maps, 20 ms a GiB, in which it can map nothing: not of the largest.
MOST_RESIDENT_BYTES = 2 << 30
_PAGES = re.compile(rb" N(\d{1,4})=(\d{1,18})")
_PAGE_KILOBYTES = re.compile(rb" kernelpagesize_kB=(\d{1,9})")
_FIELD = re.compile(rb"^Node \d+ (\w+): +(\d{1,18}) kB$", re.MULTILINE)
_NODE = re.compile(r"node(\d+)")


def parse_numa_maps(text: bytes) -> Counter[str]:
    """Bytes by node, of /proc/PID/numa_maps (show_numa_map, fs/proc/task_mmu.c)."""
    found: Counter[str] = Counter()
    for line in text.splitlines():
        size = _PAGE_KILOBYTES.search(line)
        if size:
            for node, pages in _PAGES.findall(line):
                found[node.decode()] += int(pages) * int(size[1]) * 1024
    return found


class Numa:
    """Far memory costs half as much again, and more where the link is busy."""

    NAME = "numa"
    COST: Cost = "moderate"
    INTERVAL_SECONDS = 60.0
    METRICS: tuple[Metric, ...] = (
        *(Metric(f"memory_numa_{name}_total", "", text, ("node",), True) for name, text in COUNTED.items()),
        *(Metric(f"memory_numa_{name}_bytes", "B", text, ("node",)) for name, text in HELD.items()),
        Metric(MEMORY, "B", "Memory of a watched process by node, where it has less than 2 GiB.", _LABELS),
        Metric(THREADS, "", "Threads of a watched process by the node they ran on last.", _LABELS),
    )

    def __init__(self) -> None:
        self._facts = ChangedFacts()
        self._counters = Counters()

    def collect(self, host: Host) -> Iterator[Sample]:
        """NoData on a host with one node, where all memory is near."""
        nodes = _nodes(host.sys)
        if len(nodes) < 2:
            raise NoData("the host has one memory node: all memory is near")
        readings: dict[Series, float] = {}
        cpus: dict[int, str] = {}
        for node, directory in nodes.items():
            labels = (("node", node),)
            for field, pages in _fields(f"{directory}/numastat"):
                readings[f"memory_numa_{field}_total", labels] = pages
            for name, kilobytes in _FIELD.findall(_read(f"{directory}/meminfo")):
                if name.decode() in HELD:
                    yield gauge(
                        f"memory_numa_{name.decode()}_bytes", host.now_ns, int(kilobytes) * 1024, dict(labels)
                    )
            cpu_list, distance = _text(f"{directory}/cpulist"), _text(f"{directory}/distance")
            cpus |= dict.fromkeys(numbers_of(cpu_list), node)
            facts = ((f"numa.node{node}.cpus", cpu_list), (f"numa.node{node}.distance", distance))
            yield from self._facts.news(host.now_ns, facts)
        yield from self._counters.points(host.now_ns, readings)
        for process in watched.of(host.proc).chosen()[:MOST_PROCESSES]:
            yield from _placement(host, process, cpus)


def _placement(host: Host, process: Process, cpus: dict[int, str]) -> Iterator[Sample]:
    """Where its memory lies, and where its threads ran last."""
    directory = f"{host.proc}/{process.pid}"
    labels = {"pid": str(process.pid), "service": process.service}
    stat = procfs.stat(host.proc, process.pid)
    if stat is not None and stat.resident_bytes < MOST_RESIDENT_BYTES:
        for node, size in parse_numa_maps(_read(f"{directory}/numa_maps")).items():
            yield gauge(MEMORY, host.now_ns, size, {**labels, "node": node})
    ran = Counter(cpus.get(cpu) for cpu in _last_cpus(f"{directory}/task"))
    for where, threads in ran.items():
        if where is not None:
            yield gauge(THREADS, host.now_ns, threads, {**labels, "node": where})


def _last_cpus(directory: str) -> Iterator[int]:
    """The CPU that each thread runs on or ran on: field 39 of proc_pid_stat(5)."""
    try:
        threads = os.listdir(directory)  # noqa: PTH208 - one style with the other readers of /proc
    except OSError:
        return
    for thread in threads[:MOST_THREADS]:
        fields = _read(f"{directory}/{thread}/stat").rpartition(b") ")[2].split()
        cpu = procfs.number(fields[36]) if len(fields) > 36 else None
        if cpu is not None:
            yield cpu


def _nodes(sys: Path) -> dict[str, str]:
    base = f"{sys}/devices/system/node"
    try:
        names = sorted(os.listdir(base))  # noqa: PTH208
    except OSError:
        return {}
    return {match[1]: f"{base}/{name}" for name in names if (match := _NODE.fullmatch(name))}


def _fields(path: str) -> Iterator[tuple[str, int]]:
    for line in _read(path).splitlines():
        name, _, rest = line.partition(b" ")
        value = procfs.number(rest.strip())
        if value is not None and name.decode("ascii", "replace") in COUNTED:
            yield name.decode(), value


def numbers_of(text: str) -> list[int]:
    """Of a list such as `0-3,8`; what is no number is left out."""
    found: list[int] = []
    for part in text.split(","):
        first, _, last = part.strip().partition("-")
        if first.isdecimal() and (last or first).isdecimal() and int(last or first) - int(first) < 1 << 16:
            found.extend(range(int(first), int(last or first) + 1))
    return found


def _text(path: str) -> str:
    return _read(path).decode("ascii", "replace").strip()


def _read(path: str) -> bytes:
    try:
        return procfs.read(path)
    except OSError:
        return b""
