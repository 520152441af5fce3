"""Requests spend their CPU time on tracebacks.

Symptom: CPU per request grows with the number of errors that are caught on the way; nobody sees any error.

Cause: exceptions that are an ordinary outcome (a missing key, a bad number, a cache miss) are formatted with their
tracebacks each time: source lines are looked up, and frames are walked.

Evidence: a fifth of the on-CPU samples of requests is in traceback, linecache or in a logger that formats an exception.
Raising and catching alone is quick, and is done inside the interpreter, where a sampler of Python sees nothing of it.

Recommendation: the line that formats; ask before, or catch without the traceback, and format what is logged only.

Source: CPython Lib/traceback.py (StackSummary reads each line of source through linecache).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

from diagnose.correlate.attribution import owner
from diagnose.correlate.interval import speed_up, wilson
from diagnose.correlate.rule import (
    Code,
    Evidence,
    Impact,
    Recommendation,
    Subject,
    Unknown,
    Verdict,
    strength,
)
from diagnose.correlate.samples import Frame
from diagnose.correlate.signals.process_cpu import Process, ProcessCpu
from diagnose.correlate.signals.request_cpu import RequestCpu, RequestCpuOf
from diagnose.correlate.words import number, percent

EXPLAINS = ("app.hot_function", "app.layer_overhead", "python.gil_contention", "python.event_loop_blocked")

# of the on-CPU samples of requests, at the low end of the interval
SHARE, CLEAR_SHARE = 0.2, 0.5
# samples; fewer leave the interval wider than ±0.18
LEAST_SAMPLES = 30
# cores; below it nobody notices
LEAST_CORES = 0.2
_FORMATS = ("/traceback.py", "/linecache.py", "traceback.py", "linecache.py")
_LOGS_THEM = ("formatException", "print_exception")


def check(requests: RequestCpu, cpu: ProcessCpu) -> list[Verdict]:
    """One verdict a process."""
    found = []
    for each in requests.by_pid.values():
        formatters, process = _formatters(each), cpu.by_pid.get(each.pid)
        if process and process.cores >= LEAST_CORES and _often(formatters.total(), each.samples):
            found.append(_verdict(each, process, formatters))
    return found


def _often(count: int, samples: int) -> bool:
    return samples >= LEAST_SAMPLES and wilson(count, samples)[0] >= SHARE


def _formatters(requests: RequestCpuOf) -> Counter[Frame]:
    """Samples by the service's line on whose behalf it is formatted."""
    counts: Counter[Frame] = Counter()
    for stack in requests.stacks:
        if any(_formats(frame) for frame in stack.frames):
            counts[owner(stack)] += stack.count
    return counts


def _formats(frame: Frame) -> bool:
    return frame.file.endswith(_FORMATS) or frame.name.rpartition(".")[2] in _LOGS_THEM


def _verdict(requests: RequestCpuOf, process: Process, formatters: Counter[Frame]) -> Verdict:
    count = formatters.total()
    share, (frame, _) = count / requests.samples, formatters.most_common(1)[0]
    subject, file = Subject(requests.service, requests.pid), frame.file.rpartition("/")[2]
    text = f"requests spend {percent(share)} of their CPU time on errors that are caught"
    return Verdict(
        subject=subject,
        headline=f"{subject.name} formats tracebacks in {percent(share)} of its requests' CPU time, "
        f"at {frame.name} ({file}:{frame.line})",
        impact=Impact(share * min(1.0, process.cores), share * process.cores, "cores", text),
        evidence=tuple(_evidence(requests, process, count)),
        recommendations=(_recommendation(frame, formatters[frame], count, requests.samples),),
        unknown=(
            Unknown(
                "exceptions that are only raised and caught", "the interpreter does that without a frame"
            ),
        ),
        explains=EXPLAINS,
    )


def _evidence(requests: RequestCpuOf, process: Process, count: int) -> Iterator[Evidence]:
    labels, (low, high) = (("pid", str(requests.pid)),), wilson(count, requests.samples)
    share = count / requests.samples
    text = (
        f"{count} of {requests.samples} on-CPU samples of requests format tracebacks "
        f"(95 % interval {percent(low)}–{percent(high)})"
    )
    clear = strength(low, SHARE, CLEAR_SHARE)
    yield Evidence("supports", "decides", text, "", share, "ratio", SHARE, "py-spy", clear, labels, "cpu")
    text = f"the process uses {number(round(process.cores, 2))} cores"
    metric = "process_cpu_seconds_total"
    yield Evidence(
        "supports",
        "separates",
        text,
        metric,
        process.cores,
        "cores",
        LEAST_CORES,
        "/proc/PID/stat",
        1.0,
        labels,
    )


def _recommendation(frame: Frame, most: int, count: int, samples: int) -> Recommendation:
    share = count / samples
    what = "catch without formatting, or ask before; keep tracebacks for what is logged as an error"
    formula = (
        f"{most} of {count} samples come from here; all tracebacks: {percent(share)} of {samples} samples"
    )
    expected = f"{number(speed_up(share, 1e9))} times the throughput of a process that is short of CPU"
    return Recommendation(
        Code(f"{frame.name} ({frame.file}:{frame.line})", what), formula, expected, "low", restart="service"
    )
