"""On which memory nodes watched processes lie and run, and how much CPU time they use."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from diagnose.correlate.samples import Samples, Series

READS = ("process_numa_memory_bytes", "process_numa_threads", "process_cpu_seconds_total")

RECENT_SECONDS = 60.0


@dataclass(frozen=True, slots=True)
class NumaOf:
    """One process: bytes and threads by node. `remote` is the share of its memory that a thread finds on another node
    than its own, if it uses all of it alike."""

    pid: int
    service: str
    bytes: Mapping[str, float]
    threads: Mapping[str, float]
    cores: float

    @property
    def remote(self) -> float:
        memory, threads = sum(self.bytes.values()), sum(self.threads.values())
        if not memory or not threads:
            return 0.0
        near = sum(self.threads.get(node, 0.0) / threads * held / memory for node, held in self.bytes.items())
        return 1.0 - near


@dataclass(frozen=True, slots=True)
class Numa:
    """By pid, and how many nodes have memory of watched processes."""

    by_pid: Mapping[int, NumaOf]
    nodes: int

    @classmethod
    def derive(cls, samples: Samples) -> Numa | None:
        memory = _by_process(samples, "process_numa_memory_bytes")
        threads = _by_process(samples, "process_numa_threads")
        cpu = samples.by_process("process_cpu_seconds_total")
        begin_ns = samples.end_ns - int(RECENT_SECONDS * 1e9)
        found = {}
        for pid, held in memory.items():
            cores = cpu[pid].per_second(begin_ns) if pid in cpu else None
            if cores is not None and pid in threads:
                service = cpu[pid].labels.get("service", "")
                found[pid] = NumaOf(pid, service, held, threads[pid], cores)
        nodes = {node for each in found.values() for node in (*each.bytes, *each.threads)}
        return cls(found, len(nodes)) if found else None


def _by_process(samples: Samples, metric: str) -> dict[int, dict[str, float]]:
    found: dict[int, dict[str, float]] = {}

    def add(series: Series) -> None:
        pid, node = series.labels.get("pid", ""), series.labels.get("node", "")
        if pid.isdecimal():
            found.setdefault(int(pid), {})[node] = series.last

    for each in samples.of(metric):
        add(each)
    return found
