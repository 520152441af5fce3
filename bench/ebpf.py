"""What the eBPF probes cost: `python -m bench.ebpf`, as root, with nginx, wrk and bpftrace of the distribution.

Method: one nginx process answers 32 kept connections of wrk over loopback, on the same cores. Rounds without and with
the programs alternate, and each round with them is compared with the one before it; CPU per request is that of nginx
and wrk together. The packs are loaded and drained as the collector does; loading is measured in fresh processes.
`run_ns` rows are the kernel's own account (kernel.bpf_stats_enabled, set for one round and put back), which adds about
20 ns to each. `beside` is bpftrace with the same histograms of round-trip, accept and run-queue times.
"""

from __future__ import annotations

import json
import shutil
import struct
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path

from bench import _http_load, _results
from bench._http_load import Round
from bench._results import Row, row
from collectors.ebpf import syscalls
from collectors.probe import Host, Probe
from collectors.probes import ALL
from collectors.probes.ebpf.accept_wait import AcceptWait
from collectors.probes.ebpf.http_server import HttpServer
from collectors.probes.ebpf.runqueue_wait import RunqueueWait
from collectors.probes.ebpf.tcp_lifecycle import TcpLifecycle
from collectors.probes.ebpf.tcp_retransmits import TcpRetransmits
from collectors.probes.ebpf.tcp_rtt import TcpRtt

DEFAULT: tuple[type[Probe], ...] = (TcpRtt, TcpLifecycle, AcceptWait, RunqueueWait, TcpRetransmits)
EVERY = tuple(kind for kind in ALL if kind.__module__.startswith("collectors.probes.ebpf."))
ROUNDS, SECONDS = 5, 2
STATS = Path("/proc/sys/kernel/bpf_stats_enabled")
_RUN_TIME_OFFSET, _INFO_BYTES = 192, 208  # of struct bpf_prog_info: run_time_ns, run_cnt

FRESH = """
import json, resource, time
from bench.ebpf import DEFAULT, here
def resident():
    return int(open("/proc/self/statm").read().split()[1]) * resource.getpagesize()
probes = [kind() for kind in DEFAULT]
before, began = resident(), time.perf_counter()
for probe in probes:
    list(probe.collect(here()))
took = time.perf_counter() - began
held = sum(
    int(line.split()[1])
    for probe in probes
    for each in probe._source._loaded.maps.values()
    for line in open(f"/proc/self/fdinfo/{each.descriptor}")
    if line.startswith("memlock:")
)
print(json.dumps([took * 1e3, (resident() - before) / 1e6, held / 1e6]))
"""

BPFTRACE = """
tracepoint:tcp:tcp_probe { @rtt[args->sport] = hist(args->srtt); }
tracepoint:sock:inet_sock_set_state /args->protocol == 6 && args->newstate == 1/ { @born[args->skaddr] = nsecs; }
tracepoint:sock:inet_sock_set_state /args->newstate == 7/ { delete(@born[args->skaddr]); }
tracepoint:tcp:tcp_retransmit_skb { @again[args->dport] = count(); }
tracepoint:sched:sched_wakeup { @woken[args->pid] = nsecs; }
tracepoint:sched:sched_switch /@woken[args->next_pid]/ {
  @waited[args->next_comm] = hist((nsecs - @woken[args->next_pid]) / 1000); delete(@woken[args->next_pid]);
}
BEGIN { printf("attached\\n"); }
"""


def here() -> Host:
    return Host(Path("/proc"), Path("/sys"), time.time_ns())


def main() -> None:
    for tool in ("wrk", "/usr/sbin/nginx", "bpftrace"):
        if shutil.which(tool) is None:
            sys.exit(f"{tool} is not installed: apt-get install wrk nginx bpftrace")
    with (
        tempfile.TemporaryDirectory(prefix="diagnose-bench-") as folder,
        _http_load.nginx(Path(folder)) as pid,
    ):
        _http_load.load(pid, SECONDS)
        compared = {
            "default_packs": paired(pid, lambda: attached(DEFAULT)),
            "http_pack": paired(pid, lambda: attached((HttpServer,))),
            "all_packs": paired(pid, lambda: attached(EVERY)),
            "bpftrace": paired(pid, bpftrace),
        }
        programs = run_ns(pid)
    _results.write("ebpf", [*loading(), *ratios(compared), *programs])


@contextmanager
def attached(kinds: Sequence[type[Probe]]) -> Iterator[list[Probe]]:
    """Probes at work; their last interval is read at the end, as it would be."""
    probes = [kind() for kind in kinds]
    try:
        for probe in probes:
            list(probe.collect(here()))
        yield probes
        for probe in probes:
            list(probe.collect(here()))
    finally:
        for probe in probes:
            probe._source.close()  # type: ignore[attr-defined]


@contextmanager
def bpftrace() -> Iterator[float]:
    """The seconds until it is attached."""
    began = time.perf_counter()
    # A mount namespace of its own, so that tracefs is there for it and the host's mounts stay as they are.
    prepare = "mountpoint -q /sys/kernel/tracing || mount -t tracefs tracefs /sys/kernel/tracing"
    command = ["unshare", "--mount", "sh", "-c", f'{prepare}; exec bpftrace -e "$0"', BPFTRACE]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    try:
        assert process.stdout is not None
        for line in process.stdout:
            if "attached" in line:
                break
        else:
            raise RuntimeError(f"bpftrace: {process.communicate()[1]}")
        yield time.perf_counter() - began
    finally:
        process.kill()
        process.communicate()


def paired(pid: int, watch: Callable[[], AbstractContextManager[object]]) -> list[tuple[Round, Round]]:
    """Rounds without and with, in turn."""
    found = []
    for _ in range(ROUNDS):
        without = _http_load.load(pid, SECONDS)
        with watch():
            found.append((without, _http_load.load(pid, SECONDS)))
    return found


def ratios(compared: dict[str, list[tuple[Round, Round]]]) -> Iterator[Row]:
    cpu, throughput = {}, {}
    for name, pairs in compared.items():
        cpu[name] = [b.cpu_microseconds_per_request / a.cpu_microseconds_per_request for a, b in pairs]
        throughput[name] = [b.requests_per_second / a.requests_per_second for a, b in pairs]
    plain = [a for pairs in compared.values() for a, _ in pairs]
    yield row("requests_without", [a.requests_per_second for a in plain], "1/s", "higher", None)
    yield row("cpu_without", [a.cpu_microseconds_per_request for a in plain], "µs/request", "lower", None)
    for name, target in (("default_packs", 1.07), ("http_pack", None), ("all_packs", None)):
        beside = {"bpftrace": cpu["bpftrace"]} if name == "default_packs" else None
        yield row(f"cpu_per_request_{name}", cpu[name], "× without", "lower", target, beside)
        beside = {"bpftrace": throughput["bpftrace"]} if name == "default_packs" else None
        yield row(f"throughput_{name}", throughput[name], "× without", "higher", None, beside)


def loading() -> Iterator[Row]:
    runs = []
    for _ in range(ROUNDS):
        done = subprocess.run([sys.executable, "-c", FRESH], capture_output=True, text=True, check=True)
        runs.append(json.loads(done.stdout))
    took, resident, held = zip(*runs, strict=True)
    peers = []
    for _ in range(ROUNDS):
        with bpftrace() as seconds:
            peers.append(seconds * 1e3)
    yield row("load_default_packs", took, "ms", "lower", 150, {"bpftrace": peers})
    yield row("memory_default_packs", resident, "MB", "lower", 8)
    yield row("kernel_memory_default_packs", held, "MB", "lower", None)


def run_ns(pid: int) -> Iterator[Row]:
    """The mean run of each program under the load."""
    before = STATS.read_text()
    rows = []
    try:
        STATS.write_text("1")
        with attached(EVERY) as probes:
            _http_load.load(pid, SECONDS)
            for probe in probes:
                programs = probe._source._loaded.programs  # type: ignore[attr-defined]
                for name, descriptor in programs.items():
                    info = syscalls.info_of(descriptor, _INFO_BYTES)
                    spent, runs = struct.unpack_from("<QQ", info, _RUN_TIME_OFFSET)
                    if runs:
                        rows.append(row(f"run_ns_{probe.NAME}_{name}", [spent / runs], "ns", "lower", None))
    finally:
        STATS.write_text(before)
    return iter(rows)


if __name__ == "__main__":
    main()
