"""What continuous stacks of everything cost an nginx and a Go server, and the host; rows of `bench.stacks`.

Method: 32 kept connections of wrk over loopback. Rounds without and with the sampler alternate, which runs with its
defaults in a process of its own; `speed` is CPU per request (of server and wrk together, interrupts on their behalf
included) without divided by with, so that what else the machine does matters little. `perf record -F 99 -g -a` is
beside. `run_ns` is the kernel's own account of one look (kernel.bpf_stats_enabled, put back).
"""

from __future__ import annotations

import shutil
import statistics
import struct
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path

from bench import _http_load
from bench._results import Row, row
from collectors.capture.native.counted import Counted
from collectors.ebpf import syscalls

ROUNDS, SECONDS = 7, 3
_WATCH_SECONDS = 60
_STATS = Path("/proc/sys/kernel/bpf_stats_enabled")
_RUN_TIME_OFFSET, _INFO_BYTES = 192, 208  # of struct bpf_prog_info: run_time_ns, run_cnt

_SAMPLER = """
import resource, sys, time
from collectors.capture.sampler import Settings
from collectors.capture.samplers.native import ContinuousNative
def resident():
    return int(open("/proc/self/statm").read().split()[1]) * resource.getpagesize()
before, told = resident(), []
sampler = ContinuousNative(Settings(cpu_share=0.005))
sampler.start(told.append)
print("started", flush=True)
began, spent = time.monotonic(), time.process_time()
sys.stdin.readline()
print(time.monotonic() - began, time.process_time() - spent, resident() - before, sampler._pace.hz, flush=True)
"""
_GO_SERVER = """
package main

import (
	"fmt"
	"net/http"
)

func main() {
	http.HandleFunc("/", func(w http.ResponseWriter, r *http.Request) { fmt.Fprint(w, "hello") })
	http.ListenAndServe("127.0.0.1:%d", nil)
}
"""


def rows() -> Iterator[Row]:
    for tool in ("wrk", "/usr/sbin/nginx", "go"):
        if shutil.which(tool) is None:
            sys.exit(f"{tool} is not installed: apt-get install wrk nginx golang-go")
    with tempfile.TemporaryDirectory(prefix="diagnose-bench-") as folder:
        with _http_load.nginx(Path(folder)) as pid:
            yield speed("nginx", pid)
        with go_server(Path(folder)) as pid:
            yield speed("go_server", pid)
            yield look_ns(pid)
            yield from cost(pid)


def speed(name: str, pid: int) -> Row:
    """Each round with it is compared with the mean of those before and after it."""
    _http_load.load(pid, SECONDS)
    own = paired(pid, lambda: sampling([]))
    beside = {"perf": paired(pid, perf)} if shutil.which("perf") else {}
    return row(f"speed_{name}", own, "× alone", "higher", 0.99, beside)


def paired(pid: int, watch: Callable[[], AbstractContextManager[object]]) -> list[float]:
    found = []
    before = _http_load.load(pid, SECONDS).cpu_microseconds_per_request
    for _ in range(ROUNDS):
        with watch():
            beside = _http_load.load(pid, SECONDS).cpu_microseconds_per_request
        after = _http_load.load(pid, SECONDS).cpu_microseconds_per_request
        found.append(statistics.mean((before, after)) / beside)
        before = after
    return found


@contextmanager
def sampling(told: list[float]) -> Iterator[None]:
    """`told` gets seconds, CPU seconds, bytes, rate."""
    process = subprocess.Popen(
        [sys.executable, "-c", _SAMPLER], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    try:
        assert process.stdout is not None
        process.stdout.readline()
        time.sleep(1.0)  # it reads the kernel's names at its first samples
        yield
        said, _ = process.communicate("end\n")
        told += [float(word) for word in said.split()]
    finally:
        process.kill()
        process.wait()


@contextmanager
def perf() -> Iterator[None]:
    with tempfile.NamedTemporaryFile(prefix="diagnose-bench-") as output:
        command = ["perf", "record", "-F", "99", "-g", "-a", "-o", output.name, "--", "sleep", "600"]
        process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        try:
            time.sleep(1.0)
            yield
        finally:
            process.terminate()
            process.wait()


@contextmanager
def go_server(folder: Path) -> Iterator[int]:
    source, program = folder / "server.go", folder / "server"
    source.write_text(_GO_SERVER % _http_load.PORT)
    subprocess.run(["go", "build", "-o", str(program), str(source)], check=True, cwd=folder)
    process = subprocess.Popen([str(program)])
    try:
        time.sleep(0.5)
        yield process.pid
    finally:
        process.kill()
        process.wait()


def look_ns(pid: int) -> Row:
    """The mean run of the program under the load, at 99 Hz; the kernel's account of it adds about 20 ns."""
    before, found = _STATS.read_text(), []
    try:
        _STATS.write_text("1")
        with Counted("oncpu") as counted:
            counted.tick(99)
            for _ in range(3):
                _http_load.load(pid, SECONDS)
                info = syscalls.info_of(counted.programs["ticked"], _INFO_BYTES)
                spent, runs = struct.unpack_from("<QQ", info, _RUN_TIME_OFFSET)
                found.append(spent / runs)
                counted.drain()
    finally:
        _STATS.write_text(before)
    return row("run_ns_look", found, "ns", "lower", None)


def cost(pid: int) -> Iterator[Row]:
    """Of the collector's side, on this host under load, from the start on: names are read once."""
    told: list[float] = []
    with sampling(told):
        _http_load.load(pid, _WATCH_SECONDS)
    seconds, spent, size, hz = told
    yield row("cpu_native", [100 * spent / seconds], "% of a core", "lower", 1.0)
    yield row("memory_native", [size / 2**20], "MiB", "lower", None)
    yield row("rate_native", [hz], "Hz", "higher", None)
