"""What the eBPF probes cost: `python -m bench.ebpf`, as root, with nginx, wrk, h2load and bpftrace of the distribution.

Method: one nginx process answers 32 kept connections over loopback, on the same cores: of wrk as fast as they go, or of
h2load at 20,000 requests a second. Rounds without and with the programs alternate, and each round with them is
compared with the one before it; CPU per request is that of nginx and the load generator together. The packs are loaded
and drained as the collector does; loading is measured in fresh processes, in wall time. `run_ns` rows are the kernel's
own account (kernel.bpf_stats_enabled, set for one round and put back), which adds about 20 ns to each. `beside` is
bpftrace with the same histograms of round-trip, accept and run-queue times.
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
from functools import partial
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
from collectors.probes.ebpf.softirq_time import SoftirqTime
from collectors.probes.ebpf.tcp_lifecycle import TcpLifecycle
from collectors.probes.ebpf.tcp_retransmits import TcpRetransmits
from collectors.probes.ebpf.tcp_rtt import TcpRtt
from collectors.probes.ebpf.tls_handshakes import TlsHandshakes
from collectors.probes.ebpf.wakeups import Wakeups

DEFAULT: tuple[type[Probe], ...] = (TcpRtt, TcpLifecycle, AcceptWait, RunqueueWait, TcpRetransmits)
EVERY = tuple(kind for kind in ALL if kind.__module__.startswith("collectors.probes.ebpf."))
APART: tuple[type[Probe], ...] = (HttpServer, TlsHandshakes, Wakeups, SoftirqTime)
ROUNDS, SECONDS, RATE = 7, 2, 20_000
Load = Callable[[], Round]
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
    for tool in ("wrk", "h2load", "/usr/sbin/nginx", "bpftrace"):
        if shutil.which(tool) is None:
            sys.exit(f"{tool} is not installed: apt-get install wrk nghttp2-client nginx bpftrace")
    with (
        tempfile.TemporaryDirectory(prefix="diagnose-bench-") as folder,
        _http_load.nginx(Path(folder)) as pid,
    ):
        fast = partial(_http_load.load, pid, SECONDS)
        paced = partial(_http_load.paced_load, pid, SECONDS, RATE)
        fast()
        rows = [
            *loading(),
            *beside_bpftrace(paced, "at_20k", 1.02, 0.99),
            *beside_bpftrace(fast, "full_speed", 1.07, None),
            *alone(fast),
            *run_ns(fast),
        ]
    _results.write("ebpf", rows)


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


def paired(load: Load, watch: Callable[[], AbstractContextManager[object]]) -> list[tuple[Round, Round]]:
    """Rounds without and with, in turn."""
    found = []
    for _ in range(ROUNDS):
        without = load()
        with watch():
            found.append((without, load()))
    return found


def beside_bpftrace(
    load: Load, speed: str, cpu_target: float, throughput_target: float | None
) -> Iterator[Row]:
    """The default packs, and bpftrace with the same histograms."""
    ours, theirs = paired(load, lambda: attached(DEFAULT)), paired(load, bpftrace)
    plain = [without for without, _ in ours + theirs]
    yield row(
        f"requests_without_{speed}", [each.requests_per_second for each in plain], "1/s", "higher", None
    )
    cpu = [each.cpu_microseconds_per_request for each in plain]
    yield row(f"cpu_without_{speed}", cpu, "µs/request", "lower", None)
    peer = {"bpftrace": cpu_ratios(theirs)}
    yield row(f"cpu_default_packs_{speed}", cpu_ratios(ours), "× without", "lower", cpu_target, peer)
    peer, name = {"bpftrace": throughput_ratios(theirs)}, f"throughput_default_packs_{speed}"
    yield row(name, throughput_ratios(ours), "× without", "higher", throughput_target, peer)


def alone(load: Load) -> Iterator[Row]:
    """What is not among the default packs, each by itself, and all together."""
    for name, kinds in {**{f"{kind.NAME}_pack": (kind,) for kind in APART}, "all_packs": EVERY}.items():
        pairs = paired(load, partial(attached, kinds))
        yield row(f"cpu_{name}_full_speed", cpu_ratios(pairs), "× without", "lower", None)
        yield row(f"throughput_{name}_full_speed", throughput_ratios(pairs), "× without", "higher", None)


def cpu_ratios(pairs: list[tuple[Round, Round]]) -> list[float]:
    return [b.cpu_microseconds_per_request / a.cpu_microseconds_per_request for a, b in pairs]


def throughput_ratios(pairs: list[tuple[Round, Round]]) -> list[float]:
    return [b.requests_per_second / a.requests_per_second for a, b in pairs]


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


def run_ns(load: Load) -> Iterator[Row]:
    """The mean run of each program under the load."""
    before = STATS.read_text()
    rows = []
    try:
        STATS.write_text("1")
        with attached(EVERY) as probes:
            load()
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
