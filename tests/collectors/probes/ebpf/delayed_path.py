"""A path with a known delay and loss, in a network namespace of its own: `unshare --net python -m …`.

Whoever talks to 10.9.0.2 talks to himself: a TUN device gives the packets to this process, which swaps source and
destination (no checksum changes by that) and gives them back after the delay. Prints what it did as JSON.
"""

from __future__ import annotations

import argparse
import fcntl
import heapq
import itertools
import json
import os
import select
import socket
import struct
import sys
import threading
import time

NEAR, FAR, PORT = "10.9.0.1", "10.9.0.2", 8080
_TUNSETIFF, _IFF_TUN_NO_PI = 0x400454CA, 0x1001
_SIOCSIFADDR, _SIOCSIFNETMASK, _SIOCSIFFLAGS = 0x8916, 0x891C, 0x8914
_UP = 0x41


def device() -> int:
    tun = os.open("/dev/net/tun", os.O_RDWR)
    fcntl.ioctl(tun, _TUNSETIFF, struct.pack("16sH14x", b"path", _IFF_TUN_NO_PI))
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as control:
        for request, address in ((_SIOCSIFADDR, NEAR), (_SIOCSIFNETMASK, "255.255.255.0")):
            packed = struct.pack("16sHH4s8x", b"path", socket.AF_INET, 0, socket.inet_aton(address))
            fcntl.ioctl(control, request, packed)
        for name in (b"path", b"lo"):
            fcntl.ioctl(control, _SIOCSIFFLAGS, struct.pack("16sH14x", name, _UP))
    return tun


def has_data(packet: bytes) -> bool:
    """A TCP segment with a payload."""
    ip_bytes = (packet[0] & 15) * 4
    return packet[9] == socket.IPPROTO_TCP and len(packet) > ip_bytes + (packet[ip_bytes + 12] >> 4) * 4


def destination_port(packet: bytes) -> int:
    ip_bytes = (packet[0] & 15) * 4
    return int.from_bytes(packet[ip_bytes + 2 : ip_bytes + 4], "big")


class Path:
    """Drops each `drop_every`-th segment that carries data."""

    def __init__(self, one_way_seconds: float, drop_every: int) -> None:
        self._delay, self._drop_every = one_way_seconds, drop_every
        self._seen = 0
        self.dropped = {"requests": 0, "answers": 0}
        self._tun = device()
        threading.Thread(target=self._run, daemon=True).start()

    def _run(self) -> None:
        waiting: list[tuple[float, int, bytes]] = []
        number = 0
        while True:
            timeout = max(0.0, waiting[0][0] - time.monotonic()) if waiting else None
            if select.select([self._tun], [], [], timeout)[0]:
                packet = os.read(self._tun, 65536)
                if packet[0] >> 4 == 4 and not self._drops(packet):
                    number += 1
                    swapped = packet[:12] + packet[16:20] + packet[12:16] + packet[20:]
                    heapq.heappush(waiting, (time.monotonic() + self._delay, number, swapped))
            while waiting and waiting[0][0] <= time.monotonic():
                os.write(self._tun, heapq.heappop(waiting)[2])

    def _drops(self, packet: bytes) -> bool:
        if not self._drop_every or not has_data(packet):
            return False
        self._seen += 1
        if self._seen % self._drop_every:
            return False
        self.dropped["requests" if destination_port(packet) == PORT else "answers"] += 1
        return True


def echo(server: socket.socket) -> None:
    connection, _ = server.accept()
    while data := connection.recv(4096):
        connection.send(data)


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--one-way-ms", type=float, default=0.0)
    parser.add_argument("--drop-every", type=int, default=0)
    parser.add_argument("--exchanges", type=int, default=20)
    options = parser.parse_args()
    path = Path(options.one_way_ms / 1000, options.drop_every)
    server = socket.create_server((NEAR, PORT))
    threading.Thread(target=echo, args=(server,), daemon=True).start()
    sys.stdin.readline()
    took = [time.monotonic()]
    with socket.create_connection((FAR, PORT)) as client:
        took.append(time.monotonic())
        client.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        for _ in range(options.exchanges):
            client.send(b"ping")
            client.recv(4096)
            took.append(time.monotonic())
    steps = [later - before for before, later in itertools.pairwise(took)]
    seconds = {"connect_seconds": steps[0], "slowest_seconds": max(steps)}
    print(json.dumps({"dropped": path.dropped, **seconds}), flush=True)
    sys.stdin.readline()


if __name__ == "__main__":
    main()
