"""Finding the process that is meant, among real ones."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import time

from collectors.capture.choose import Watch, listening
from tests.collectors.capture.conftest import SERVICE


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
