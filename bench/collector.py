"""What the collector costs its host: `python -m bench.collector`.

Method: the collector as installed, with all default probes and a push every ten seconds, without stack sampling (which
has a budget of its own), sends to a server in another process that commits at once. Beside it, one after the other and
in alternating order, Debian's `prometheus-node-exporter` (scraped every ten seconds) and `netdata` (as configured by
default, database in memory), where they are installed. Each is left alone for 15 s, then its CPU time and that of its
children is taken over BENCH_SECONDS (40), and its resident memory at the end; BENCH_ROUNDS (5) rounds. `idle` is the
host as it is, `crowded` the same with 10,000 sockets and 500 processes more. `connections_pass` is CPU time of one pass
of the probe over 10,000 sockets in a network namespace of its own, `start_to_first_commit` lasts from the start of the
process to the server's answer.
"""

from __future__ import annotations

import ctypes
import fcntl
import http.client
import json
import multiprocessing
import os
import random
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
from contextlib import contextmanager, nullcontext, suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from multiprocessing.connection import Connection
from pathlib import Path

from bench import _results
from bench._crowd import SOCKETS, crowd, pairs
from bench._machine import usage_of
from bench._results import Row, row
from collectors.probe import Host
from collectors.probes.net.connections import Connections
from collectors.wire import decode_batch

ROUNDS = int(os.environ.get("BENCH_ROUNDS", "5"))
SECONDS = float(os.environ.get("BENCH_SECONDS", "40"))
SETTLE_SECONDS, SCRAPE_SECONDS, PASSES, STARTS = 15.0, 10.0, 9, 5
PORT, EXPORTER_PORT, NETDATA_PORT = 18_491, 18_492, 18_493
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
    with tempfile.TemporaryDirectory(prefix="diagnose-bench-") as name, committing_server() as commits:
        folder = Path(name)
        guests = dict(found_guests(folder))
        rows: list[Row] = []
        for scene, targets in (("idle", (1.0, 45.0)), ("crowded", (2.0, None))):
            with crowd() if scene == "crowded" else nullcontext():
                rows += costs(scene, guests, targets)
        starts = [seconds_to_first_commit(folder, commits) for _ in range(STARTS)]
    rows.append(row("connections_pass_10k_sockets", in_child(pass_milliseconds), "ms", "lower", 30))
    rows.append(row("start_to_first_commit", starts, "s", "lower", 1.5))
    _results.write("collector", rows)


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


def costs(scene: str, guests: dict[str, Start], targets: tuple[float, float | None]) -> Iterator[Row]:
    """CPU and memory of all, in another order each round."""
    cpu, memory = defaultdict(list), defaultdict(list)
    for number in range(ROUNDS):
        names = list(guests)
        random.Random(number).shuffle(names)
        for name in names:
            share, megabytes = cost_of(guests[name]())
            cpu[name].append(share)
            memory[name].append(megabytes)
    for kind, unit, found, target in (
        ("cpu", "% of a core", cpu, targets[0]),
        ("memory", "MiB", memory, targets[1]),
    ):
        own = found.pop("collector")
        yield row(f"{scene}_{kind}", own, unit, "lower", target, beside=found)


def cost_of(command: list[str]) -> tuple[float, float]:
    """Percent of a core, and MiB at the end."""
    with running(command) as group, scraped():
        time.sleep(SETTLE_SECONDS)
        before, began = usage_of(group), time.monotonic()
        time.sleep(SECONDS)
        after = usage_of(group)
        if not after.rss_bytes:
            raise SystemExit(f"{command[0]} ended by itself")
        spent = after.cpu_seconds - before.cpu_seconds
        return 100 * spent / (time.monotonic() - began), after.rss_bytes / 2**20


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
    """Asks the exporter as a Prometheus would; of the others nobody asks anything."""
    over = threading.Event()

    def scrape() -> None:
        while not over.wait(SCRAPE_SECONDS):
            connection = http.client.HTTPConnection("127.0.0.1", EXPORTER_PORT, timeout=5)
            try:
                connection.request("GET", "/metrics")
                connection.getresponse().read()
            except OSError:  # another guest's turn
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


@contextmanager
def committing_server() -> Iterator[Connection]:
    """A server in a process of its own; what it commits comes through the connection."""
    ours, theirs = multiprocessing.Pipe()
    process = multiprocessing.Process(target=serve, args=(theirs,), daemon=True)
    process.start()
    ours.recv()
    try:
        yield ours
    finally:
        process.terminate()
        process.join()


def serve(told: Connection) -> None:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            answer: dict[str, object] = {}
            if self.path == "/api/v1/batches":
                batch = decode_batch(body)
                answer = {"committed": {"epoch": batch.epoch, "seq": batch.seq}}
                told.send((batch.epoch, batch.seq))
            self.answer(202, answer)

        def do_GET(self) -> None:
            time.sleep(20)
            with suppress(ConnectionError):  # the collector has ended meanwhile
                self.answer(200, {"commands": [], "after": ""})

        def answer(self, status: int, content: dict[str, object]) -> None:
            body = json.dumps(content).encode()
            self.send_response(status)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", PORT), Handler)
    told.send("up")
    server.serve_forever()


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
    probe, found = Connections(), []
    for _ in range(PASSES + 1):
        began = time.process_time()
        for _sample in probe.collect(Host(Path("/proc"), Path("/sys"), time.time_ns())):
            pass
        found.append((time.process_time() - began) * 1000)
    told.send(found[1:])
    del kept


def in_child(work: Callable[[Connection], None]) -> list[float]:
    ours, theirs = multiprocessing.Pipe()
    process = multiprocessing.Process(target=work, args=(theirs,))
    process.start()
    found: list[float] = ours.recv()
    process.join()
    return found


if __name__ == "__main__":
    main()
