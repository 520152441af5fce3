"""Records a case without the product: `python -m tests.faults.record FOLDER CASE …`, as root.

The collector's own probes and sampler look from inside of the stage, and what they saw becomes a bundle, without any
server. Whether the finding also comes to the page only a run of `manage.py faults` tells.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from collectors import histograms, wire
from collectors.capture.sampler import Settings
from collectors.capture.samplers.python import ContinuousPython
from collectors.probe import Host, NoData, Probe
from collectors.probes import ALL
from collectors.processes.identity import Process
from tests.faults import keep
from tests.faults.case import Case
from tests.faults.corpus import all_cases
from tests.faults.stage import ROOT, Stage
from tests.fixtures.windows.record import profiles_of

HEALTHY_SECONDS = 12.0
# What rules of processes and services read. All probes in one thread would not keep up on a busy machine.
_PROBES = {
    "facts",
    "cpu",
    "listeners",
    "netstat",
    "processes",
    "threads",
    "details",
    "limits",
    "http_server",
    "accept_wait",
    "wakeups",
    "tcp_lifecycle",
}
Rows = dict[tuple[str, str], dict[str, Any]]


def watch(out: Path) -> None:
    """Until standard input ends: then everything that was seen is written there."""
    seen: list[wire.Sample] = []
    python, ended = ContinuousPython(Settings(0.03, denies=_elsewhere)), threading.Event()
    threading.Thread(target=lambda: (sys.stdin.read(), ended.set()), daemon=True).start()
    probes = [probe() for probe in ALL if probe.NAME in _PROBES]
    due = {probe.NAME: time.monotonic() for probe in probes}
    python.start(seen.append)
    while not ended.wait(0.05):
        for probe in probes:
            if time.monotonic() >= due[probe.NAME]:
                due[probe.NAME] += probe.INTERVAL_SECONDS
                _collect(probe, seen.append)
    python.stop()
    out.write_text(json.dumps(_window(seen)))


def _elsewhere(process: Process) -> bool:
    """Whether it lives in another network namespace than we do."""
    try:
        return os.stat(f"/proc/{process.pid}/ns/net").st_ino != os.stat("/proc/self/ns/net").st_ino  # noqa: PTH116
    except OSError:
        return True


def _collect(probe: Probe, take: Callable[[wire.Sample], None]) -> None:
    try:
        for sample in probe.collect(Host(Path("/proc"), Path("/sys"), time.time_ns())):
            take(sample)
    except (NoData, OSError):
        return


def _window(seen: list[wire.Sample]) -> dict[str, Any]:
    series: Rows = {}
    counted: Rows = {}
    for each in seen:
        if isinstance(each, wire.Points):
            row = series.setdefault(
                _key(each.metric, each.labels), _row(each, counter=each.counter, values=[])
            )
            row["times"] += [moment // 10**6 for moment in each.times]
            row["values"] += [round(value, 6) for value in each.values]
        if isinstance(each, wire.Histogram):
            edges = _edges(each.scheme)
            row = counted.setdefault(
                _key(each.metric, each.labels), _row(each, edges=edges, counts=[], sums=[])
            )
            row["times"].append(each.time // 10**6)
            row["counts"].append(sorted(each.buckets.items()))
            row["sums"].append(round(each.sum, 6))
    times = [moment for row in series.values() for moment in row["times"]]
    return {
        "start_ms": min(times),
        "end_ms": max(times),
        "facts": {each.name: each.value for each in seen if isinstance(each, wire.Fact)},
        "series": list(series.values()),
        "histograms": list(counted.values()),
        "profiles": list(profiles_of([each for each in seen if isinstance(each, wire.Stacks)])),
    }


def _key(metric: str, labels: dict[str, str]) -> tuple[str, str]:
    return metric, json.dumps(labels, sort_keys=True)


def _row(each: wire.Points | wire.Histogram, **more: Any) -> dict[str, Any]:
    return {"metric": each.metric, "labels": each.labels, "times": [], **more}


def _edges(scheme: wire.HistogramScheme) -> list[float]:
    bounds = [histograms.bounds(scheme, bucket) for bucket in range(histograms.bucket_count(scheme))]
    return [0.0, *(round(low, 9) for low, _ in bounds[1:]), round(bounds[-1][1], 9)]


def record(case: Case, intensity: str, folder: Path) -> Path:
    """The bundle's file."""
    knobs = case.intensities[intensity]
    with Stage() as stage:
        if case.set_up:
            case.set_up(stage, knobs)
        seen = stage.folder() / "seen"
        argv = stage.here.argv(sys.executable, "-m", "tests.faults.record", "--watch", str(seen))
        watcher = subprocess.Popen(argv, cwd=ROOT, stdin=subprocess.PIPE)
        try:
            time.sleep(HEALTHY_SECONDS)
            stage.begin()
            case.play(stage, knobs)
            while time.time() < stage.onset + case.patience_seconds:
                stage.note_pids()
                time.sleep(0.5)
        finally:
            watcher.communicate(timeout=240)
        told = {
            "case": case.name,
            "intensity": intensity,
            "truth": list(case.truth),
            "host": f"fault-{case.name}-{intensity}",
            "onset_ms": int(stage.onset * 1000),
        }
        window = _of_case(json.loads(seen.read_text()), {str(pid) for pid in stage.pids - {watcher.pid}})
        path = folder / f"{case.name}-{intensity}.json.gz"
        keep.write(path, window | told)
        return path


def _of_case(window: dict[str, Any], pids: set[str]) -> dict[str, Any]:
    def ours(row: dict[str, Any]) -> bool:
        labels = row["labels"]
        return labels.get("pid", "") in {"", *pids} and "netns" not in labels and "cgroup" not in labels

    return window | {
        "series": [row for row in window["series"] if ours(row)],
        "histograms": [row for row in window["histograms"] if ours(row)],
        "profiles": [each for each in window["profiles"] if str(each["pid"]) in pids],
    }


def main(argv: list[str]) -> None:
    if argv[0] == "--watch":
        watch(Path(argv[1]))
        return
    for case in all_cases():
        for intensity in case.intensities:
            if {case.name, f"{case.name}-{intensity}"} & set(argv[1:]):
                print(record(case, intensity, Path(argv[0])), flush=True)


if __name__ == "__main__":
    main(sys.argv[1:])
