"""What continuous stacks of Python cost, those who are sampled and the host: `python -m bench.stacks`, as root.

Method: a Python server (`bench/_python_server.py`) with 1 thread that is CPU-bound, 8 threads and 51 threads counts
the requests that it handles. Its rate over a window with a profiler is divided by the mean of the windows before and
after it without; `speed` is the median of BENCH_ROUNDS (3) such ratios. The collector's own samplers, of native code
too, run with their defaults for a whole round of 20 s, each peer for BENCH_SECONDS (4), one after the other: `py-spy
record` with its defaults (100 Hz, pausing), the `pyroscope-io` SDK with its defaults inside of the server, sending to
a sink on this host, and `perf record -F 99 -g`, where it is installed. The collector's side is CPU of the samplers and
of their py-spys over BENCH_COST_SECONDS (80), with four such servers of 8 threads as four services, and resident
memory of the py-spys. What looking at everything costs nginx and a Go server is in `bench/_stacks_native.py`, with its
method. BENCH_PARTS (`speed,cost,native`) chooses.
"""

from __future__ import annotations

import json
import os
import random
import shutil
import signal
import statistics
import subprocess
import sys
import tempfile
from collections import defaultdict
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from typing import Any

from bench import _results, _stacks_native
from bench._python_targets import Server, serving, sink
from bench._results import Row, row

PARTS = os.environ.get("BENCH_PARTS", "speed,cost,native").split(",")
ROUNDS = int(os.environ.get("BENCH_ROUNDS", "3"))
SECONDS = float(os.environ.get("BENCH_SECONDS", "4"))
COST_SECONDS = float(os.environ.get("BENCH_COST_SECONDS", "80"))
SAMPLING_ROUND_SECONDS = 21.0  # the collector's own, with the starts of its three steps
TARGETS = {1: 0.99, 8: 0.99, 51: 0.97}
SERVICES, THREADS = 4, 8


def main() -> None:
    rows: list[Row] = []
    if "speed" in PARTS:
        for threads, target in TARGETS.items():
            rows.append(speed(threads, target))
    if "cost" in PARTS:
        rows += cost()
    if "native" in PARTS:
        rows += _stacks_native.rows()
    _results.write("stacks", rows)


def speed(threads: int, target: float) -> Row:
    """1 is as fast as without a profiler."""
    service = f"bench-{threads}"
    found = defaultdict(list)
    with sink() as port, serving(threads, service) as plain, serving(threads, "sdk", port) as profiled:
        os.kill(profiled.pid, signal.SIGSTOP)
        with plain.going():
            plain.rate(SECONDS)
        for number in range(ROUNDS):
            profilers = [*outside(plain, service).items(), ("pyroscope-io", None)]
            random.Random(number).shuffle(profilers)
            before = alone(plain)
            for name, start in profilers:
                with_it = alone(profiled) if start is None else beside(plain, *start)
                after = alone(plain)
                found[name].append(with_it / statistics.mean((before, after)))
                before = after
    own = found.pop("diagnose")
    return row(f"speed_{threads}_threads", own, "× alone", "higher", target, beside=found)


Start = tuple[Callable[[], list[str]], float]


def outside(server: Server, service: str) -> dict[str, Start]:
    """Commands that profile the server from outside, and how long to watch it under each."""
    folder, pid = tempfile.gettempdir(), str(server.pid)
    py_spy = str(Path(sys.executable).parent / "py-spy")
    found: dict[str, Start] = {
        "diagnose": (lambda: [sys.executable, "-m", "bench._sampling", service], SAMPLING_ROUND_SECONDS),
        "py-spy": (
            lambda: [py_spy, "record", "--pid", pid, "--output", f"{folder}/diagnose-bench-{pid}.svg"],
            SECONDS,
        ),
    }
    if perf := shutil.which("perf"):
        output = f"{folder}/diagnose-bench-{pid}.perf"
        found["perf"] = (
            lambda: [perf, "record", "-F", "99", "-g", "-p", pid, "-o", output, "--", "sleep", "60"],
            SECONDS,
        )
    return found


def alone(server: Server) -> float:
    with server.going():
        return server.rate(SECONDS)


def beside(server: Server, command: Callable[[], list[str]], seconds: float) -> float:
    with server.going(), profiling(command()):
        return server.rate(seconds)


@contextmanager
def profiling(command: list[str]) -> Iterator[None]:
    """Until the block ends; then it is interrupted as by a person, and what it wrote removed."""
    nothing = subprocess.DEVNULL
    process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=nothing, stderr=nothing)
    try:
        yield
        if process.poll() is not None:
            raise SystemExit(f"{' '.join(command)} ended by itself with {process.returncode}")
    finally:
        process.send_signal(signal.SIGINT)
        try:
            process.communicate(timeout=30)
        except subprocess.TimeoutExpired:
            process.kill()
            process.communicate()
        for written in Path(tempfile.gettempdir()).glob("diagnose-bench-*.*"):
            written.unlink()


def cost() -> Iterator[Row]:
    """Of the collector's side."""
    services = [f"bench-cost-{number}" for number in range(SERVICES)]
    with ExitStack() as stack:
        for service in services:
            stack.enter_context(serving(THREADS, service))
        told = sampled(services)
    share = 100 * told["cpu_seconds"] / told["seconds"]
    name = f"{SERVICES}_services_of_{THREADS}_threads"
    yield row(f"cpu_{name}", [share], "% of a core", "lower", 3.0)
    yield row(f"memory_{name}", [told["rss_bytes"] / 2**20], "MiB", "lower", 60.0)
    yield row(f"rate_{name}", [told["hz"]], "Hz", "higher", 1.0)


def sampled(services: list[str]) -> dict[str, Any]:
    command = [sys.executable, "-m", "bench._sampling", *services]
    process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    with suppress(subprocess.TimeoutExpired):
        process.wait(COST_SECONDS)
    said, _ = process.communicate()
    found: dict[str, Any] = json.loads(said)
    return found


if __name__ == "__main__":
    main()
