"""The series that continuous sampling gives beside its stacks: how many threads run, and who holds the lock."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

from collectors.capture import folded
from collectors.capture.gilwaits import Shares
from collectors.capture.pyspy import Recording
from collectors.probe import Metric
from collectors.processes.identity import Process
from collectors.wire import Points

_LABELS = ("pid", "service")
METRICS = (
    Metric("python_active_threads", "", "Threads that run or are about to, mean over the samples.", _LABELS),
    Metric(
        "python_gil_held_ratio", "", "Share of samples in which a thread held the interpreter lock.", _LABELS
    ),
    Metric(
        "python_thread_active_ratio",
        "",
        "Share of samples in which threads of this name ran, summed over them; the busiest names only.",
        (*_LABELS, "thread"),
    ),
    Metric(
        "python_gil_waiting_ratio",
        "",
        "Share of the threads that had something to run that waited for the interpreter lock.",
        _LABELS,
    ),
    Metric(
        "python_gil_waiting_threads", "", "Threads that waited for the interpreter lock, on average.", _LABELS
    ),
    Metric("python_sampling_hz", "Hz", "How often the process was looked at.", _LABELS),
)
# Each is a series; what is below these is a sliver of the sum.
_MOST_THREADS = 8
_LEAST_ACTIVE = 0.01
# Fewer looks at the threads tell no share.
_LEAST_LOOKS = 8


def points(recording: Recording, process: Process) -> Iterator[Points]:
    """At the recording's end. `cpu` tells how many run, `gil` how often the lock was held, `wall` neither."""
    labels = {"pid": str(process.pid), "service": process.service}
    counts: Counter[str] = Counter()
    for line in folded.parse(recording.text):
        counts[line.thread] += line.count

    def point(metric: str, value: float, **more: str) -> Points:
        return Points(metric, {**labels, **more}, [recording.end_ns], [value])

    if recording.order.kind == "gil":
        yield point("python_gil_held_ratio", min(1.0, counts.total() / recording.ticks))
    if recording.order.kind != "cpu":
        return
    yield point("python_active_threads", counts.total() / recording.ticks)
    yield point("python_sampling_hz", recording.ticks / max(recording.seconds, 1e-3))
    for thread, count in counts.most_common(_MOST_THREADS):
        if count >= _LEAST_ACTIVE * recording.ticks:
            yield point("python_thread_active_ratio", count / recording.ticks, thread=thread)


def gil_points(found: Shares, process: Process, time_ns: int) -> Iterator[Points]:
    """Nothing when it was looked at too seldom; no ratio while no thread had anything to run."""
    if found.looks < _LEAST_LOOKS:
        return
    labels = {"pid": str(process.pid), "service": process.service}
    yield Points("python_gil_waiting_threads", labels, [time_ns], [found.waiting / found.looks])
    if ready := found.waiting + found.running:
        yield Points("python_gil_waiting_ratio", labels, [time_ns], [found.waiting / ready])
