"""A process works with memory of another node than the one its threads run on.

Symptom: the same work takes more CPU time than on another host or at another time, and nothing waits for anything.

Cause: memory was taken where the process ran when it started, or where there was some left, and its threads run on
another node now; each access goes over the link between the nodes.

Evidence: the share of a process's memory that lies on other nodes than its threads run on, of one that computes. What
is spread evenly over all nodes is half remote on two of them, and meant so. With one node there is no such thing.

Recommendation: bind threads and memory to one node where they fit, or spread both; the card's interrupts on the same
node.

Source: numa(7), numactl(8), proc(5) on numa_maps; far memory takes half as long again (ACPI SLIT: 10 against 15 to
21).
"""

from __future__ import annotations

from collections.abc import Iterator

from diagnose.correlate.rule import (
    Code,
    Evidence,
    Impact,
    Recommendation,
    Subject,
    Verdict,
    WillNotHelp,
    strength,
)
from diagnose.correlate.signals.numa import Numa, NumaOf
from diagnose.correlate.words import number, percent, size

EXPLAINS: tuple[str, ...] = ()

# beyond what an even spread over the nodes has: on two of them 0.5, on four 0.75
BEYOND, CLEAR_BEYOND = 0.2, 0.4
# cores, and bytes: what hardly runs or fits into a cache loses nothing
LEAST_CORES, LEAST_BYTES = 0.5, 256 * 1024.0**2
# of the time of a far access, what a near one takes less
FAR_COST = 0.3


def check(numa: Numa) -> list[Verdict]:
    """One verdict a process; none on a host with one node."""
    if numa.nodes < 2:
        return []
    even = 1.0 - 1.0 / numa.nodes
    return [_verdict(each, even) for each in numa.by_pid.values() if _is_far(each, even)]


def _is_far(process: NumaOf, even: float) -> bool:
    computes = process.cores >= LEAST_CORES and sum(process.bytes.values()) >= LEAST_BYTES
    return computes and process.remote >= min(0.95, even + BEYOND)


def _verdict(process: NumaOf, even: float) -> Verdict:
    subject = Subject(process.service, process.pid)
    home = max(process.threads, key=lambda node: process.threads[node])
    return Verdict(
        subject=subject,
        headline=f"{percent(process.remote)} of the memory of {subject.name} is on another node than its threads",
        impact=Impact(
            min(0.5, FAR_COST * process.remote),
            process.remote,
            "ratio",
            "each access to far memory takes half as long again, and more where the link between nodes is busy",
        ),
        evidence=tuple(_evidence(process, even)),
        recommendations=(
            Recommendation(
                Code(
                    subject.name,
                    f"numactl --cpunodebind={home} --membind={home} for its command (NUMAPolicy=bind and NUMAMask= in "
                    "its "
                    f"unit); what is there already moves with migratepages {process.pid} all {home}",
                ),
                f"most of its threads run on node {home}, {size(sum(process.bytes.values()))} of memory",
                "accesses stay on the node",
                "medium",
                "it may not use the other node's memory when its own is full",
                "service",
            ),
        ),
        will_not_help=(WillNotHelp("more memory", "there is enough, in the wrong place"),),
        explains=EXPLAINS,
    )


def _evidence(process: NumaOf, even: float) -> Iterator[Evidence]:
    labels, threshold = (("pid", str(process.pid)),), even + BEYOND
    held = ", ".join(f"node {node} {size(count)}" for node, count in sorted(process.bytes.items()))
    runs = ", ".join(f"node {node} {number(count)}" for node, count in sorted(process.threads.items()))
    text = f"its memory: {held}; its threads: {runs}"
    clear, metric = strength(process.remote, threshold, even + CLEAR_BEYOND), "process_numa_memory_bytes"
    source = "/proc/PID/numa_maps"
    yield Evidence(
        "supports", "decides", text, metric, process.remote, "ratio", threshold, source, clear, labels
    )
    text = f"it uses {number(round(process.cores, 2))} cores"
    metric = "process_cpu_seconds_total"
    yield Evidence("supports", "separates", text, metric, process.cores, "cores", LEAST_CORES, labels=labels)
    yield Evidence("missing", "corroborates", "how long its accesses take needs counters of the CPU")
