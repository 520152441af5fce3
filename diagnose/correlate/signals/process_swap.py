"""Who has memory in swap and waits for it."""

from __future__ import annotations

from dataclasses import dataclass

from diagnose.correlate.samples import Samples

READS = ("process_swap_bytes", "process_major_faults_total")

RECENT_SECONDS = 30.0
# of the major faults of all that are watched; then it is this process that the swapping is about
MOST_OF_THEM = 0.5


@dataclass(frozen=True, slots=True)
class SwapOf:
    """One process; `major_faults` per second."""

    pid: int
    service: str
    swap_bytes: float
    major_faults: float


@dataclass(frozen=True, slots=True)
class ProcessSwap:
    """Watched processes that have something in swap."""

    processes: tuple[SwapOf, ...]

    @property
    def worst(self) -> SwapOf | None:
        """Who faults most, where that is most of all faults."""
        worst = max(self.processes, key=lambda each: each.major_faults, default=None)
        total = sum(each.major_faults for each in self.processes)
        return worst if worst and worst.major_faults > MOST_OF_THEM * total else None

    @classmethod
    def derive(cls, samples: Samples) -> ProcessSwap | None:
        begin_ns = samples.end_ns - int(RECENT_SECONDS * 1e9)
        swap = samples.by_process("process_swap_bytes")
        faults = samples.by_process("process_major_faults_total")
        if not swap:
            return None
        return cls(
            tuple(
                SwapOf(
                    pid, each.labels.get("service", ""), each.last, faults[pid].per_second(begin_ns) or 0.0
                )
                for pid, each in swap.items()
                if pid in faults and each.last and samples.is_present(each)
            )
        )
