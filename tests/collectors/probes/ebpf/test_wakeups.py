"""Event loops that are woken a known number of times for a known number of events."""

from __future__ import annotations

import pytest

from collectors.probes.ebpf.wakeups import ATTEMPTS, EVENTS, WAKEUPS, Wakeups
from tests.collectors.probes.ebpf.live import counting, own_service, total

pytestmark = pytest.mark.root(to="load eBPF programs")

# One, five and no descriptors are ready; then two of four accepts find a connection.
LOOP = """
import os, select, socket, sys
sys.stdin.readline()
loop = select.epoll()
ready = [os.eventfd(1) for _ in range(5)]
loop.register(ready[0], select.EPOLLIN)
assert len(loop.poll(1)) == 1
for each in ready[1:]:
    loop.register(each, select.EPOLLIN)
assert len(loop.poll(1)) == 5
for each in ready:
    os.read(each, 8)
assert loop.poll(0) == []
server = socket.create_server(("127.0.0.1", 0))
server.setblocking(False)
clients = [socket.create_connection(server.getsockname()) for _ in range(2)]
for _ in range(4):
    try:
        server.accept()[0].close()
    except BlockingIOError:
        pass
print("done", flush=True)
sys.stdin.readline()
"""


def test_wakeups_are_told_by_their_events_and_accepts_by_their_result():
    with counting(Wakeups()) as read, own_service("looping", LOOP) as process:
        process.stdin.write("go\n")
        process.stdin.flush()
        assert process.stdout.readline() == "done\n"
        samples = read()
    woken = {
        sample.labels["events"]: sample.values[0]
        for sample in samples
        if sample.metric == WAKEUPS and sample.labels["service"] == "looping"
    }
    assert woken == {"0": 1, "1": 1, "4-7": 1}
    assert total(samples, EVENTS, service="looping") == 6
    assert total(samples, ATTEMPTS, service="looping", result="accepted") == 2
    assert total(samples, ATTEMPTS, service="looping", result="nothing") == 2
