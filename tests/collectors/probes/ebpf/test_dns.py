"""Questions to a name server that takes a known time, in a network namespace where port 53 is free."""

from __future__ import annotations

import subprocess
import sys

import pytest

from collectors.kernel import netns
from collectors.probes.ebpf.dns import WAIT, Dns
from tests.collectors.probes.ebpf.live import counting, histograms
from tests.collectors.probes.recorded import LIVE

pytestmark = pytest.mark.root(to="load eBPF programs")

PAUSE_SECONDS = 0.02
# SIOCSIFFLAGS with IFF_UP | IFF_RUNNING brings the namespace's loopback up.
ASKS = f"""
import fcntl, socket, struct, sys, threading, time
with socket.socket() as control:
    fcntl.ioctl(control, 0x8914, struct.pack("16sH14x", b"lo", 0x41))
server = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
server.bind(("127.0.0.53", 53))
other = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
other.bind(("127.0.0.53", 5353))
def answer(which):
    while True:
        question, who = which.recvfrom(512)
        time.sleep({PAUSE_SECONDS})
        which.sendto(question, who)
for each in (server, other):
    threading.Thread(target=answer, args=(each,), daemon=True).start()
print("up", flush=True)
sys.stdin.readline()
began = time.monotonic()
for port, together in ((53, 1), (53, 2), (5353, 1)):
    client = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    client.connect(("127.0.0.53", port))
    for _ in range(together):
        client.send(b"question")
    for _ in range(together):
        client.recv(512)
    if port == 53:
        elapsed = time.monotonic() - began
print(elapsed, flush=True)
sys.stdin.readline()
"""


def test_answers_are_timed_by_server_also_of_questions_asked_together():
    process = subprocess.Popen(
        ["unshare", "--net", sys.executable, "-c", ASKS],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    try:
        assert process.stdout.readline() == "up\n"
        with counting(Dns()) as read:
            process.stdin.write("go\n")
            process.stdin.flush()
            elapsed = float(process.stdout.readline())
            samples = read()
            inode = str(netns.inode_of(LIVE, process.pid))
    finally:
        process.kill()
        process.communicate()
    (found,) = histograms(samples, WAIT, netns=inode)
    assert found.labels["dst"] == "127.0.0.53:53"
    assert found.count == 3
    # One alone, and two that were asked together: the second's answer comes one pause after the first's.
    assert 4 * PAUSE_SECONDS <= found.sum <= 2 * elapsed
