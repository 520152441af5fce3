"""The process table, recorded and live."""

from __future__ import annotations

import os
import resource
import subprocess
import time

import pytest

from collectors.probes.net import owners
from collectors.probes.net.listeners import Listeners
from collectors.probes.proc import processes
from collectors.probes.proc.limits import GROWING_FDS, Limits, count_kinds, kind_of
from collectors.probes.proc.processes import Processes
from tests.collectors.kernel.test_procfs import child
from tests.collectors.probes.recorded import LIVE, host, read

BUSY = """
import threading
def spin():
    while True: pass
threading.Thread(target=spin, daemon=True).start()
"""
NAPPING = """
import threading, time
def nap():
    while True: time.sleep(0.002), sum(range(2000))  # so that it is seen to use the CPU
for _ in range(4): threading.Thread(target=nap, daemon=True).start()
"""
NEARLY_FULL = """
import socket
kept = [socket.socket() for _ in range(40)]
files = [open("/etc/passwd") for _ in range(10)]
"""
LEAKING = """
import sys
kept = []
print("up", flush=True)
for line in sys.stdin:
    kept += [open("/dev/null") for _ in range(20)]
    print("more", flush=True)
"""


def of(told: dict[tuple[str, ...], float], metric: str, pid: int) -> float | None:
    return next((value for key, value in told.items() if key[0] == metric and key[1] == str(pid)), None)


def test_the_recorded_shop_is_told_with_its_service():
    assert read(Processes()) == {
        ("process_resident_memory_bytes", "812", "shop.py"): 2761 * 4096,
        ("process_threads", "812", "shop.py"): 4,
        ("process_open_fds", "812", "shop.py"): 10,
        ("process_max_fds", "812", "shop.py"): 20000,
        ("process_info", "812", "shop.py", "python3.11", "python3.11"): 1,
    }


def test_a_busy_process_has_the_cpu_time_it_used():
    with child(BUSY) as busy:
        probe = Processes()
        read(probe, LIVE)
        began = sum(os.times()[2:4]), time.monotonic()
        time.sleep(0.6)
        told = read(probe, LIVE)
        wall = time.monotonic() - began[1]
    assert 0.05 < of(told, "process_cpu_seconds_total", busy.pid) <= wall + 0.02
    assert of(told, "process_threads", busy.pid) == 2


def test_context_switches_of_all_threads_are_summed_by_type():
    with child(NAPPING) as napping:
        probe = Processes()
        read(probe, LIVE)
        time.sleep(1.0)
        told = read(probe, LIVE)
    switches = {
        key[-1]: value
        for key, value in told.items()
        if key[0] == "process_context_switches_total" and key[1] == str(napping.pid)
    }
    assert switches["voluntary"] > 100
    assert "involuntary" in switches


def test_the_process_nearest_to_its_descriptor_limit_is_always_told(monkeypatch):
    monkeypatch.setattr(processes, "MOST_BY_CPU", 1)
    monkeypatch.setattr(processes, "MOST_BY_FDS", 4)  # others may be as near, where tests run side by side
    monkeypatch.setattr(processes, "_is_python", lambda row, root: False)

    def lower() -> None:
        resource.setrlimit(resource.RLIMIT_NOFILE, (64, 64))

    with child("kept = [open('/dev/null') for _ in range(60)]", preexec_fn=lower) as full:
        told = read(Processes(), LIVE)
    assert of(told, "process_open_fds", full.pid) == 63
    assert of(told, "process_max_fds", full.pid) == 64


LARGE = "kept = bytearray(400 << 20)"
MANY = """
import threading, time
for _ in range(200): threading.Thread(target=time.sleep, args=(60,), daemon=True).start()
"""


@pytest.mark.parametrize(("code", "limit"), [(LARGE, "MOST_BY_MEMORY"), (MANY, "MOST_BY_THREADS")])
def test_the_largest_process_and_the_one_with_the_most_threads_are_told_however_idle(
    monkeypatch, code, limit
):
    for name in ("MOST_BY_CPU", "MOST_BY_FDS", "MOST_BY_MEMORY", "MOST_BY_THREADS"):
        monkeypatch.setattr(processes, name, 4 if name == limit else 0)
    monkeypatch.setattr(processes, "_is_python", lambda row, root: False)
    with child(code) as process:
        assert str(process.pid) in {key[1] for key in read(Processes(), LIVE)}


def test_a_limit_that_is_raised_on_a_running_process_shows_within_the_passes_it_is_kept():
    with child("") as process:
        probe = Processes()
        read(probe, LIVE)
        resource.prlimit(process.pid, resource.RLIMIT_NOFILE, (123, 456))
        told = [of(read(probe, LIVE), "process_max_fds", process.pid) for _ in range(processes.LIMIT_PASSES)]
    assert told[-1] == 123


def test_a_process_that_listens_is_told_however_idle(monkeypatch):
    monkeypatch.setattr(processes, "MOST_BY_CPU", 0)
    monkeypatch.setattr(processes, "MOST_BY_FDS", 0)
    monkeypatch.setattr(processes, "_is_python", lambda row, root: False)
    with child("import socket; server = socket.create_server(('127.0.0.1', 0))") as idle:
        deadline = time.monotonic() + 20
        while idle.pid not in owners.of(LIVE).pids() and time.monotonic() < deadline:
            list(Listeners().collect(host(LIVE)))
            time.sleep(0.05)
        assert of(read(Processes(), LIVE), "process_threads", idle.pid) == 1


def test_a_crowd_is_bounded(monkeypatch):
    monkeypatch.setattr(processes, "MOST_IN_ALL", 2)
    told = read(Processes(), LIVE)
    assert len({key[1] for key in told}) == 2


def test_kinds_of_descriptors_near_the_limit_are_counted():
    def lower() -> None:
        resource.setrlimit(resource.RLIMIT_NOFILE, (80, 80))

    with child(NEARLY_FULL, preexec_fn=lower, stderr=subprocess.DEVNULL) as full:
        read(Processes(), LIVE)
        told = read(Limits(), LIVE)
    kinds = {key[-1]: value for key, value in told.items() if key[1] == str(full.pid)}
    assert kinds["socket"] == 40
    assert kinds["file"] == 10
    assert sum(kinds.values()) == 53


def test_a_process_that_opens_ever_more_is_told_before_it_comes_near_its_limit():
    with child(LEAKING) as leaking:
        table, probe = Processes(), Limits()
        read(table, LIVE)
        told = read(probe, LIVE)
        assert of(told, "process_open_fds_by_kind", leaking.pid) is None
        for _ in range(1 + GROWING_FDS // 20 + 1):
            leaking.stdin.write(b"\n")
            leaking.stdin.flush()
            assert leaking.stdout.readline() == b"more\n"
            read(table, LIVE)
            told = read(probe, LIVE)
    assert {key[-1]: value for key, value in told.items() if key[1] == str(leaking.pid)}["device"] >= 60


def test_a_quiet_process_has_no_kinds():
    with child("") as quiet:
        table, probe = Processes(), Limits()
        told = [read(table, LIVE) and read(probe, LIVE) for _ in range(6)]
    assert all(of(reading, "process_open_fds_by_kind", quiet.pid) is None for reading in told)


def test_links_are_told_apart_by_kind():
    kinds = {
        "socket:[1]": "socket",
        "pipe:[1]": "pipe",
        "anon_inode:[eventpoll]": "eventpoll",
        "anon_inode:bpf-map": "bpf-map",
        "/memfd:buffer (deleted)": "memfd",
        "/dev/null": "device",
        "/srv/shop/data.db": "file",
        "net:[4026531833]": "other",
    }
    assert {target: kind_of(target) for target in kinds} == kinds


def test_a_sample_of_the_descriptors_is_scaled_to_all():
    links = [(str(n), "socket:[1]" if n % 4 else "/a/file") for n in range(1000)]
    assert count_kinds(links, 8000) == {"socket": 6000, "file": 2000}
    assert count_kinds([], 50) == {}
