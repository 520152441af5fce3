"""Requests import modules.

Symptom: requests take longer than their work; the process reads directories and files of the interpreter's path all the
time; several at once wait for the import lock.

Cause: an import statement inside a function is cheap only when the module is there. One that is not installed (an
optional speed-up) is looked for on the whole path each time, and so is one that was taken out of sys.modules.

Evidence: at least a tenth of the on-CPU samples of requests are in the import machinery, in a process that has been
running since before the window. In one that has just started, imports at first requests are usual and end.

Recommendation: the line that imports; import once at the start, and remember that it failed.

Source: the Python language reference, section 5 (the import system): only what was found is kept in sys.modules.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

from diagnose.correlate.attribution import is_library
from diagnose.correlate.interval import speed_up, wilson
from diagnose.correlate.layers.frames import layer_of_frame
from diagnose.correlate.rule import (
    Code,
    Evidence,
    Impact,
    Recommendation,
    RuledOut,
    Subject,
    Verdict,
    strength,
)
from diagnose.correlate.samples import Frame, Stack
from diagnose.correlate.serving import entry
from diagnose.correlate.signals.process_cpu import Process, ProcessCpu
from diagnose.correlate.signals.request_cpu import RequestCpu, RequestCpuOf
from diagnose.correlate.words import number, percent

EXPLAINS = ("app.hot_function", "app.layer_overhead", "python.gil_contention", "python.event_loop_blocked")

# of the on-CPU samples of requests, at the low end of the interval
SHARE, CLEAR_SHARE = 0.1, 0.3
# samples; fewer leave the interval wider than ±0.18
LEAST_SAMPLES = 30
# cores; below it nobody notices
LEAST_CORES = 0.1


def check(requests: RequestCpu, cpu: ProcessCpu) -> list[Verdict]:
    """One verdict a process."""
    found = []
    for each in requests.by_pid.values():
        importers, process = _importers(each), cpu.by_pid.get(each.pid)
        young = each.age_seconds is not None and each.age_seconds <= 0
        if process and process.cores >= LEAST_CORES and not young and _often(importers.total(), each.samples):
            found.append(_verdict(each, process, importers))
    return found


def _often(count: int, samples: int) -> bool:
    return samples >= LEAST_SAMPLES and wilson(count, samples)[0] >= SHARE


def _importers(requests: RequestCpuOf) -> Counter[Frame]:
    """Samples by the service's line that imports."""
    counts: Counter[Frame] = Counter()
    for stack in requests.stacks:
        frame = _importer(stack)
        if frame is not None:
            counts[frame] += stack.count
    return counts


def _importer(stack: Stack) -> Frame | None:
    """The own frame nearest above the import machinery, below where the request begins."""
    start = entry(stack.frames) or 0
    for place in range(start + 1, len(stack.frames)):
        frame = stack.frames[place]
        if layer_of_frame(frame.name, frame.file, frame.module) == "import":
            outer = stack.frames[start:place]
            return next((each for each in reversed(outer) if not is_library(each)), stack.frames[start])
    return None


def _verdict(requests: RequestCpuOf, process: Process, importers: Counter[Frame]) -> Verdict:
    count = importers.total()
    share, (frame, most) = count / requests.samples, importers.most_common(1)[0]
    subject = Subject(requests.service, requests.pid)
    file = frame.file.rpartition("/")[2]
    text = f"requests spend {percent(share)} of their CPU time looking for modules"
    return Verdict(
        subject=subject,
        headline=f"{subject.name} imports at requests: {percent(share)} of their CPU time, "
        f"at {frame.name} ({file}:{frame.line})",
        impact=Impact(share * min(1.0, process.cores), share * process.cores, "cores", text),
        evidence=tuple(_evidence(requests, process, count)),
        ruled_out=(
            RuledOut(
                "app.crash_loop",
                f"the process was {number(round(requests.age_seconds))} s old when the window began",
            ),
        )
        if requests.age_seconds is not None
        else (),
        recommendations=(_recommendation(frame, most, count, requests.samples),),
        explains=EXPLAINS,
    )


def _evidence(requests: RequestCpuOf, process: Process, count: int) -> Iterator[Evidence]:
    labels, (low, high) = (("pid", str(requests.pid)),), wilson(count, requests.samples)
    share = count / requests.samples
    text = (
        f"{count} of {requests.samples} on-CPU samples of requests are in the import machinery "
        f"(95 % interval {percent(low)}–{percent(high)})"
    )
    clear = strength(low, SHARE, CLEAR_SHARE)
    yield Evidence("supports", "decides", text, "", share, "ratio", SHARE, "py-spy", clear, labels, "cpu")
    metric = "process_age_seconds"
    if requests.age_seconds is None:
        yield Evidence(
            "missing", "separates", "the age of the process was not read: it may just have started", metric
        )
    else:
        text = f"the process was {number(round(requests.age_seconds))} s old when the window began: it is not starting"
        yield Evidence("supports", "separates", text, metric, requests.age_seconds, "s", 0.0, "", 1.0, labels)
    text = f"the process uses {number(round(process.cores, 2))} cores"
    metric = "process_cpu_seconds_total"
    yield Evidence(
        "supports", "corroborates", text, metric, process.cores, "cores", LEAST_CORES, "", 1.0, labels
    )


def _recommendation(frame: Frame, most: int, count: int, samples: int) -> Recommendation:
    share = count / samples
    what = "import at the top of the module; where the module may be missing, try once and keep None"
    formula = f"{most} of {count} samples in imports come from here; all imports: {percent(share)}"
    expected = f"{number(speed_up(share, 1e9))} times the throughput of a process that is short of CPU"
    return Recommendation(
        Code(f"{frame.name} ({frame.file}:{frame.line})", what), formula, expected, "low", restart="service"
    )
