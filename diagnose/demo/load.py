"""Customers of the shop: a steady stream on kept connections, or bursts of new connections. Prints nothing."""

from __future__ import annotations

import argparse
import contextlib
import http.client
import selectors
import socket
import threading
import time

_REQUEST = b"GET /products HTTP/1.1\r\nHost: shop\r\nConnection: close\r\n\r\n"
_TIMEOUT_SECONDS = 10.0


def visit(port: int, method: str, path: str, pause_seconds: float) -> None:
    """One customer with one connection, for ever; a broken connection is opened again."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=_TIMEOUT_SECONDS)
    while True:
        try:
            connection.request(method, path, body=b"" if method == "POST" else None)
            connection.getresponse().read()
        except (OSError, http.client.HTTPException):
            connection.close()
            time.sleep(0.2)
        time.sleep(pause_seconds)


def burst(port: int, connections: int) -> None:
    """All connect at the same moment; each asks once and hangs up."""
    selector = selectors.DefaultSelector()
    for _ in range(connections):
        client = socket.socket()
        client.setblocking(False)
        client.connect_ex(("127.0.0.1", port))
        selector.register(client, selectors.EVENT_WRITE)
    deadline = time.monotonic() + _TIMEOUT_SECONDS
    while selector.get_map() and time.monotonic() < deadline:
        for key, events in selector.select(0.5):
            _serve(selector, key.fileobj, events)
    for key in list(selector.get_map().values()):
        key.fileobj.close()  # type: ignore[union-attr]
    selector.close()


def _serve(selector: selectors.BaseSelector, client: object, events: int) -> None:
    assert isinstance(client, socket.socket)
    done = True
    with contextlib.suppress(OSError):
        if events & selectors.EVENT_WRITE:
            client.sendall(_REQUEST)
            selector.modify(client, selectors.EVENT_READ)
            done = False
        elif client.recv(65536):
            done = False
    if done:
        selector.unregister(client)
        client.close()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--customers", type=int, default=2, help="kept connections")
    parser.add_argument("--pause", type=float, default=0.05, help="seconds a customer thinks")
    parser.add_argument("--path", default="/products")
    parser.add_argument("--orders-per-second", type=float, default=2.0)
    parser.add_argument("--burst", type=int, default=0, help="connections opened at once")
    parser.add_argument("--every", type=float, default=2.0, help="seconds from burst to burst")
    options = parser.parse_args()
    jobs = [(options.port, "GET", options.path, options.pause)] * options.customers
    jobs.append((options.port, "POST", "/orders", 1 / options.orders_per_second))
    for job in jobs:
        threading.Thread(target=visit, args=job, daemon=True).start()
    while True:
        if options.burst:
            burst(options.port, options.burst)
        time.sleep(options.every)


if __name__ == "__main__":
    main()
