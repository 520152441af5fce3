"""The processes that a command means, among real ones."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from collectors.capture import pythons
from collectors.capture.failures import CaptureError
from collectors.capture.kind import Request
from collectors.wire import CaptureTarget
from tests.collectors.capture.conftest import SERVICE, running

FORKING = """
import os, sys, time
for _ in range(int(sys.argv[1])):
    if not os.fork():
        time.sleep(60)
        os._exit(0)
print("ready", flush=True)
sys.stdin.read()
os.killpg(0, 9)
"""


def meant(denies=lambda _: False, **target) -> list[int]:
    request = Request("C", CaptureTarget(**target), 1, 10, denies)
    return [process.pid for process in pythons.meant(request)]


@contextmanager
def forking(children: int) -> Iterator[subprocess.Popen[str]]:
    """A process with so many children, all ended with it."""
    process = subprocess.Popen(
        [sys.executable, "-c", FORKING, str(children)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        start_new_session=True,
        env={**os.environ, "DIAGNOSE_SERVICE": "forking"},
    )
    try:
        assert process.stdout is not None
        assert process.stdout.readline() == "ready\n"
        yield process
    finally:
        process.communicate()


def test_a_pid_means_its_process(busy):
    assert meant(pid=busy.pid) == [busy.pid]


def test_a_pid_means_the_workers_that_it_forked_too():
    with forking(2) as process:
        found = meant(pid=process.pid)
    assert found[0] == process.pid
    assert len(found) == 3


def test_a_shell_means_the_python_that_it_started():
    command = f"{sys.executable} -c 'print(1, flush=True); input()'; true"
    shell = subprocess.Popen(["/bin/sh", "-c", command], stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    try:
        assert shell.stdout is not None
        shell.stdout.readline()
        (found,) = meant(pid=shell.pid)
        assert found != shell.pid
        assert "python" in Path(f"/proc/{found}/cmdline").read_text()
    finally:
        shell.communicate(b"\n")


def test_a_service_means_its_processes_and_of_very_many_the_busiest(monkeypatch):
    with running("idle", service="many") as idle, running(service="many") as busy:
        assert set(meant(service="many")) == {idle.pid, busy.pid}
        monkeypatch.setattr(pythons, "MOST_AT_ONCE", 1)
        assert meant(service="many") == [busy.pid]


def test_a_cgroup_means_the_processes_below_it(busy):
    path = Path(f"/proc/{busy.pid}/cgroup").read_text().splitlines()[-1].split(":", 2)[2]
    assert meant(cgroup=path)
    with pytest.raises(CaptureError, match="No Python process of cgroup '/no/such' runs"):
        meant(cgroup="/no/such")


def test_a_service_that_does_not_run_is_told():
    with pytest.raises(CaptureError, match="No Python process of service 'nobody' runs on this host now"):
        meant(service="nobody")


def test_what_the_owner_denies_is_not_meant_by_any_name(busy):
    for target in ({"pid": busy.pid}, {"service": SERVICE}):
        with pytest.raises(CaptureError, match=f"The owner of this host allows no captures of '{SERVICE}'"):
            meant(lambda process: process.service == SERVICE, **target)


def test_a_denied_child_is_left_out():
    with forking(2) as process:
        first, denied, last = meant(pid=process.pid)
        assert meant(lambda each: each.pid == denied, pid=process.pid) == [first, last]
