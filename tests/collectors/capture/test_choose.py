"""Finding the process that is meant, among real ones."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import time
from pathlib import Path

import pytest

from collectors.capture.choose import Watch, listening, resolve
from collectors.capture.failures import CaptureError
from collectors.wire import CaptureTarget
from tests.collectors.capture.conftest import SERVICE, running


def test_the_watch_ranks_a_busy_listener_first_and_never_finds_itself(busy):
    watch = Watch(lambda _: False)
    watch.look()
    time.sleep(0.5)
    candidates = {candidate.process.pid: candidate for candidate in watch.look()}
    assert os.getpid() not in candidates
    shop = candidates[busy.pid]
    assert shop.listens
    assert shop.process.service == SERVICE
    assert 0.05 < shop.cpu_share < 2  # other tests may share the CPUs


def test_what_the_owner_denies_is_not_found(busy):
    found = Watch(lambda process: process.service == SERVICE).look()
    assert busy.pid not in {candidate.process.pid for candidate in found}


def test_a_worker_that_inherited_the_listener_listens_too():
    with socket.create_server(("127.0.0.1", 0)) as listener:
        worker = subprocess.Popen(
            [sys.executable, "-c", "input()"], stdin=subprocess.PIPE, pass_fds=[listener.fileno()]
        )
        other = subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE)
        try:
            assert listening([worker.pid, other.pid]) == {worker.pid}
        finally:
            for process in (worker, other):
                process.communicate(b"\n")


def test_a_service_means_its_busiest_process():
    with running("idle", service="many") as idle, running(service="many") as busy:
        assert idle.pid != resolve(CaptureTarget(service="many")) == busy.pid


def test_a_cgroup_means_a_process_below_it(busy):
    lines = Path(f"/proc/{busy.pid}/cgroup").read_text().splitlines()
    path = lines[-1].split(":", 2)[2]
    assert resolve(CaptureTarget(cgroup=path)) > 0
    with pytest.raises(CaptureError, match="No Python process of cgroup '/no/such' runs"):
        resolve(CaptureTarget(cgroup="/no/such"))


def test_a_service_that_does_not_run_is_told():
    with pytest.raises(CaptureError, match="No Python process of service 'nobody' runs on this host now"):
        resolve(CaptureTarget(service="nobody"))
