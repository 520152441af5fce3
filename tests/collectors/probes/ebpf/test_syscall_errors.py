"""What runs out, made to run out a known number of times."""

from __future__ import annotations

import pytest

from collectors.probes.ebpf.syscall_errors import ERRORS, SyscallErrors
from tests.collectors.probes.ebpf.live import counting, own_service

pytestmark = pytest.mark.root(to="load eBPF programs")

RUNS_OUT = """
import os, resource, socket, sys
def refused(call, times):
    for _ in range(times):
        try:
            call()
        except OSError:
            continue
        raise SystemExit(f"{call} was not refused")
taken = socket.create_server(("127.0.0.1", 0))
other, third = socket.socket(), socket.socket()
refused(lambda: other.bind(taken.getsockname()), 2)
refused(lambda: third.bind(("192.0.2.1", 0)), 3)
refused(lambda: os.open("/no/such/file", os.O_RDONLY), 5)
taken.setblocking(False)
refused(taken.accept, 6)
resource.setrlimit(resource.RLIMIT_NOFILE, (third.fileno() + 1, third.fileno() + 1))
refused(lambda: os.open("/dev/null", os.O_RDONLY), 4)
refused(socket.socket, 1)
refused(taken.accept, 7)
resource.setrlimit(resource.RLIMIT_NPROC, (1, 1))
os.setgid(65534)
os.setuid(65534)
refused(os.fork, 2)
print("done", flush=True)
sys.stdin.read()
"""


def test_each_failure_is_counted_by_service_call_and_error():
    with counting(SyscallErrors()) as read, own_service("greedy", RUNS_OUT) as process:
        assert process.stdout.readline() == "done\n"
        samples = read()
    found = {
        (sample.labels["syscall"], sample.labels["error"]): sample.values[0]
        for sample in samples
        if sample.metric == ERRORS and sample.labels["service"] == "greedy"
    }
    assert found == {
        ("bind", "EADDRINUSE"): 2,
        ("bind", "EADDRNOTAVAIL"): 3,
        ("openat", "EMFILE"): 4,
        ("socket", "EMFILE"): 1,
        ("accept4", "EMFILE"): 7,
        ("clone", "EAGAIN"): 2,
    }
