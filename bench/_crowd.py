"""A host full of sockets and processes, in one process group: `python -m bench._crowd SOCKETS PROCESSES`."""

from __future__ import annotations

import os
import resource
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager

SOCKETS, PROCESSES, LISTENERS = 10_000, 500, 4


@contextmanager
def crowd(sockets: int = SOCKETS, processes: int = PROCESSES) -> Iterator[None]:
    """10,000 established sockets (both ends of 5,000 connections over loopback) and 500 idle processes."""
    command = [sys.executable, "-m", "bench._crowd", str(sockets), str(processes)]
    group = subprocess.Popen(command, stdout=subprocess.PIPE, start_new_session=True)
    try:
        assert group.stdout is not None
        if group.stdout.readline() != b"up\n":
            raise SystemExit("the crowd did not come up: are 10,000 descriptors allowed (ulimit -n)?")
        yield
    finally:
        os.killpg(group.pid, signal.SIGKILL)
        group.wait()


def pairs(number: int) -> list[socket.socket]:
    """Both ends of so many connections, spread over four listeners."""
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))
    servers = [socket.create_server(("127.0.0.1", 0), backlog=1024) for _ in range(LISTENERS)]
    kept = list(servers)
    for index in range(number):
        server = servers[index % LISTENERS]
        kept += [socket.create_connection(server.getsockname()), server.accept()[0]]
    return kept


def main() -> None:
    sockets, processes = int(sys.argv[1]), int(sys.argv[2])
    for _ in range(processes):
        if os.fork() == 0:
            os.execvp("sleep", ["sleep", "infinity"])
    kept = pairs(sockets // 2)
    print("up", flush=True)
    signal.pause()
    del kept


if __name__ == "__main__":
    main()
