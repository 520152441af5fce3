"""Frames of protocols that nobody wants (LLDP, a switch's), many a second: `strange.py DEVICE`."""

from __future__ import annotations

import socket
import sys
import time

_LLDP, _TO_ALL_BRIDGES = 0x88CC, bytes.fromhex("0180c200000e")


def main(device: str) -> None:
    sock = socket.socket(socket.AF_PACKET, socket.SOCK_RAW)
    sock.bind((device, 0))
    frame = _TO_ALL_BRIDGES + bytes(6) + _LLDP.to_bytes(2, "big") + bytes(60)
    while True:
        for _ in range(20):
            sock.send(frame)
        time.sleep(0.1)


if __name__ == "__main__":
    main(sys.argv[1])
