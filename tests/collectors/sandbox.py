"""A real process with a full listener in a network namespace of its own."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager

PORT = 8080
# SIOCSIFFLAGS with IFF_UP | IFF_RUNNING brings the namespace's loopback up.
CODE = f"""
import fcntl, socket, struct, sys
with socket.socket() as control:
    fcntl.ioctl(control, 0x8914, struct.pack("16sH14x", b"lo", 0x41))
server = socket.create_server(("127.0.0.1", {PORT}), backlog=2)
clients = [socket.create_connection(("127.0.0.1", {PORT})) for _ in range(2)]
print("up", flush=True)
sys.stdin.read()
"""


@contextmanager
def listener_in_a_namespace() -> Iterator[tuple[int, int]]:
    """Its pid and port; two connections wait in a queue of two."""
    process = subprocess.Popen(
        ["unshare", "--net", sys.executable, "-c", CODE], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    )
    try:
        assert process.stdout.readline() == b"up\n"
        yield process.pid, PORT
    finally:
        process.kill()
        process.communicate()
