"""What the collector costs its host: `python -m bench.collector`.

Method: the collector as installed, with all default probes and a push every ten seconds, without stack sampling (which
has a budget of its own), sends to a server in another process that commits at once. Beside it, at the same time on the
same host, run Debian's `prometheus-node-exporter` (scraped every ten seconds) and `netdata` (as configured by default,
database in memory), where they are installed. They are left alone for 25 s; then the CPU time of each with its
children is taken over BENCH_SECONDS (30), and its resident memory at the end, in BENCH_ROUNDS (5) rounds. `idle` is the
host as it is, `crowded` the same with 10,000 sockets and 500 processes more. `connections_pass` is CPU time of one pass
of the probe over 10,000 sockets in a network namespace of its own, all without traffic or (`active`) all with some
since the last pass. `start_to_first_commit` lasts from the start of the process to the server's answer.
BENCH_PARTS chooses among `idle,crowded,pass,start`; rows of other parts stay as they were. All together take seven
minutes.
"""

from __future__ import annotations

import ctypes
import fcntl
import http.client
import multiprocessing
import os
import shutil
import signal
import socket
import struct
import subprocess
import sys
import tempfile
import threading
import time
from collections import defaultdict
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, nullcontext
from multiprocessing.connection import Connection
from pathlib import Path

from bench import _results
from bench._committing import PORT, committing_server
from bench._crowd import SOCKETS, crowd, pairs
from bench._machine import usage_of
from bench._results import Row, row
from collectors.probe import Host
from collectors.probes.net.connections import Connections

ROUNDS = int(os.environ.get("BENCH_ROUNDS", "5"))
SECONDS = float(os.environ.get("BENCH_SECONDS", "30"))
SCENES = {"idle": (1.0, 45.0), "crowded": (2.0, None)}  # targets: % of a core, MiB
PARTS = os.environ.get("BENCH_PARTS", "idle,crowded,pass,start").split(",")
SETTLE_SECONDS, SCRAPE_SECONDS, PASSES, STARTS = 25.0, 10.0, 15, 7
EXPORTER_PORT, NETDATA_PORT = 18_492, 18_493
NETDATA = """
[global]
    run as user = {user}
[directories]
    cache = {folder}
    lib = {folder}
    log = {folder}
[db]
    mode = ram
[web]
    bind to = 127.0.0.1
"""


def main() -> None:
    if unknown := {*PARTS} - {*SCENES, "pass", "start"}:
        raise SystemExit(f"BENCH_PARTS: no part {', '.join(sorted(unknown))}")
    rows: list[Row] = []
    with tempfile.TemporaryDirectory(prefix="diagnose-bench-") as name, committing_server() as commits:
        folder = Path(name)
        for scene in (part for part in SCENES if part in PARTS):
            with crowd() if scene == "crowded" else nullcontext():
                rows += costs(scene, dict(found_guests(folder)))
        if "start" in PARTS:
            starts = [seconds_to_first_commit(folder, commits) for _ in range(STARTS)]
            rows.append(row("start_to_first_commit", starts, "s", "lower", 1.5))
    if "pass" in PARTS:
        for kind, found in zip(("", "active_"), in_child(pass_milliseconds), strict=True):
            rows.append(row(f"connections_pass_10k_{kind}sockets", found, "ms", "lower", 30))
    _results.update("collector", rows)


Start = Callable[[], list[str]]


def found_guests(folder: Path) -> Iterator[tuple[str, Start]]:
    """Commands by name; each call makes a fresh one."""

    def collector() -> list[str]:
        return collector_command(Path(tempfile.mkdtemp(dir=folder)))

    yield "collector", collector
    if exporter := shutil.which("prometheus-node-exporter"):
        yield "node_exporter", lambda: [exporter, f"--web.listen-address=127.0.0.1:{EXPORTER_PORT}"]
    if netdata := shutil.which("netdata"):
        settings = folder / "netdata.conf"
        settings.write_text(NETDATA.format(user=os.environ.get("USER", "root"), folder=folder))
        yield "netdata", lambda: [netdata, "-D", "-c", str(settings), "-p", str(NETDATA_PORT)]


def collector_command(state: Path) -> list[str]:
    (state / "token").write_text("bench")
    (state / "token").chmod(0o600)
    settings = state / "collector.toml"
    settings.write_text("[stacks]\ncontinuous = false\n")
    where = ["--server", f"http://127.0.0.1:{PORT}", "--state-dir", str(state), "--config", str(settings)]
    return [sys.executable, "-m", "collectors", "run", *where]


def costs(scene: str, guests: dict[str, Start]) -> Iterator[Row]:
    """CPU and memory of all at the same time: what disturbs one disturbs its peers too."""
    cpu, memory = defaultdict(list), defaultdict(list)
    with ExitStack() as stack:
        groups = {name: stack.enter_context(running(start())) for name, start in guests.items()}
        stack.enter_context(scraped())
        time.sleep(SETTLE_SECONDS)
        for _ in range(ROUNDS):
            for name, (share, megabytes) in cost_of(groups).items():
                cpu[name].append(share)
                memory[name].append(megabytes)
    for kind, unit, found, target in zip(
        ("cpu", "memory"), ("% of a core", "MiB"), (cpu, memory), SCENES[scene], strict=True
    ):
        own = found.pop("collector")
        yield row(f"{scene}_{kind}", own, unit, "lower", target, beside=found)


def cost_of(groups: dict[str, int]) -> dict[str, tuple[float, float]]:
    """Percent of a core, and MiB at the end, of each process group."""
    before, began = {name: usage_of(group) for name, group in groups.items()}, time.monotonic()
    time.sleep(SECONDS)
    found = {}
    for name, group in groups.items():
        after = usage_of(group)
        if not after.rss_bytes:
            raise SystemExit(f"{name} ended by itself")
        share = (after.cpu_seconds - before[name].cpu_seconds) / (time.monotonic() - began)
        found[name] = 100 * share, after.rss_bytes / 2**20
    return found


@contextmanager
def running(command: list[str]) -> Iterator[int]:
    """The process group."""
    nothing = subprocess.DEVNULL
    process = subprocess.Popen(command, start_new_session=True, stdin=nothing, stdout=nothing, stderr=nothing)
    try:
        yield process.pid
    finally:
        process.terminate()
        try:
            process.wait(20)
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()


@contextmanager
def scraped() -> Iterator[None]:
    """Asks the exporter, where there is one, as a Prometheus would; of the others nobody asks anything."""
    over = threading.Event()

    def scrape() -> None:
        while not over.wait(SCRAPE_SECONDS):
            connection = http.client.HTTPConnection("127.0.0.1", EXPORTER_PORT, timeout=5)
            try:
                connection.request("GET", "/metrics")
                connection.getresponse().read()
            except OSError:  # not installed
                pass
            finally:
                connection.close()

    thread = threading.Thread(target=scrape)
    thread.start()
    try:
        yield
    finally:
        over.set()
        thread.join()


def seconds_to_first_commit(folder: Path, commits: Connection) -> float:
    while commits.poll():
        commits.recv()
    command = collector_command(Path(tempfile.mkdtemp(dir=folder)))
    began = time.monotonic()
    with running(command):
        if not commits.poll(30):
            raise SystemExit("the collector sent nothing within 30 s")
        return time.monotonic() - began


def pass_milliseconds(told: Connection) -> None:
    """In a network namespace whose only sockets are ours. CLONE_NEWNET, SIOCSIFFLAGS with IFF_UP | IFF_RUNNING."""
    if ctypes.CDLL(None).unshare(0x40000000):
        raise SystemExit("a network namespace needs root")
    with socket.socket() as control:
        fcntl.ioctl(control, 0x8914, struct.pack("16sH14x", b"lo", 0x41))
    kept = pairs(SOCKETS // 2)
    ends = [each for each in kept if not each.getsockopt(socket.SOL_SOCKET, socket.SO_ACCEPTCONN)]
    probe = Connections()
    told.send([[pass_of(probe, active) for _ in range(PASSES + 1)][1:] for active in ([], ends)])


def pass_of(probe: Connections, active: list[socket.socket]) -> float:
    """CPU milliseconds of one pass after these sockets have sent and read a byte."""
    for end in active:
        end.send(b"x")
    for end in active:
        end.recv(1)
    began = time.process_time()
    for _sample in probe.collect(Host(Path("/proc"), Path("/sys"), time.time_ns())):
        pass
    return (time.process_time() - began) * 1000


def in_child(work: Callable[[Connection], None]) -> list[list[float]]:
    ours, theirs = multiprocessing.Pipe()
    process = multiprocessing.Process(target=work, args=(theirs,))
    process.start()
    found: list[list[float]] = ours.recv()
    process.join()
    return found


if __name__ == "__main__":
    main()
