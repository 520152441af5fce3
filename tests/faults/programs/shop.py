"""An HTTP service of threads or worker processes: `shop.py PORT MODE [options]`. Each mode is what a request does."""

from __future__ import annotations

import argparse
import contextlib
import gc
import json
import logging
import os
import queue
import re
import socket
import sys
import tempfile
import threading
import time
import traceback
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, HTTPServer, ThreadingHTTPServer
from typing import Any

STOCK = threading.Lock()
CONNECTIONS: queue.Queue[socket.socket] = queue.Queue()
KEPT: list[Any] = []
CATALOGUE = [{"name": f"item {n}", "price": n * 0.7, "tags": ["new", "sale", str(n)]} for n in range(400)]
log = logging.getLogger("shop")


def options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("port", type=int)
    parser.add_argument("mode", choices=sorted(MODES))
    parser.add_argument("--seconds", type=float, default=0.005, help="what a mode that waits takes")
    parser.add_argument("--times", type=int, default=1, help="how often a request does it")
    parser.add_argument("--share", type=float, default=1.0, help="of the requests that do it")
    parser.add_argument("--workers", type=int, default=0, help="processes that serve one request at a time")
    parser.add_argument("--pool", type=int, default=2, help="connections to the service behind it")
    parser.add_argument("--backend", type=int, default=0, help="port of the service behind it")
    parser.add_argument(
        "--slower", default="", help="a file; when it is there, waiting takes five times as long"
    )
    return parser.parse_args()


def wait(given: argparse.Namespace) -> None:
    time.sleep(given.seconds * (5 if given.slower and os.path.exists(given.slower) else 1))  # noqa: PTH110


def compute(given: argparse.Namespace) -> None:
    price_basket(round(given.seconds * 2e7))
    render_page(20_000)


def render_page(letters: int) -> int:
    return sum(1 for letter in range(letters) if letter % 3)


def price_basket(items: int) -> int:
    total = 0
    for item in range(items):
        total += item * item % 7
    return total


def hold_lock(given: argparse.Namespace) -> None:
    with STOCK:
        time.sleep(given.seconds)


def ask_backend(given: argparse.Namespace) -> None:
    """One of few connections, which are kept."""
    connection = CONNECTIONS.get()
    try:
        connection.sendall(b"GET /stock HTTP/1.1\r\nHost: stock\r\n\r\n")
        answer = b""
        while not answer.endswith(b"ok"):
            answer += connection.recv(4096)
    finally:
        CONNECTIONS.put(connection)


def write_log(given: argparse.Namespace) -> None:
    log.warning("a basket of %s items was priced", len(CATALOGUE))


def raise_errors(given: argparse.Namespace) -> None:
    for _ in range(20):
        try:
            int("twelve")
        except ValueError:
            KEPT[:] = [traceback.format_exc()]


def import_optional(given: argparse.Namespace) -> None:
    """What is not installed is looked for on the whole path, each time anew."""
    with contextlib.suppress(ImportError):
        import speedups_that_nobody_installed  # noqa: F401


def serialise(given: argparse.Namespace) -> None:
    json.loads(json.dumps(CATALOGUE, indent=1))


def match(given: argparse.Namespace) -> None:
    re.match(r"(a+)+$", "a" * 17 + "!")


def allocate(given: argparse.Namespace) -> None:
    """Many containers at once, so that the collector of cycles runs over all that lives."""
    KEPT[1:] = [[{} for _ in range(40_000)]]


MODES: dict[str, Callable[[argparse.Namespace], None]] = {
    "wait": wait,
    "compute": compute,
    "lock": hold_lock,
    "pool": ask_backend,
    "log": write_log,
    "exceptions": raise_errors,
    "import": import_optional,
    "json": serialise,
    "regex": match,
    "gc": allocate,
    "errors": wait,
}


class Synced(logging.FileHandler):
    """Each line is on the disk before the next one."""

    def emit(self, record: logging.LogRecord) -> None:
        super().emit(record)
        os.fsync(self.stream.fileno())


def handler_of(given: argparse.Namespace) -> type[BaseHTTPRequestHandler]:
    served = 0

    class Handler(BaseHTTPRequestHandler):
        # A worker that serves one at a time would keep to one connection for ever.
        protocol_version = "HTTP/1.0" if given.workers else "HTTP/1.1"
        wbufsize = -1  # an answer is one write

        def do_GET(self) -> None:
            nonlocal served
            served += 1
            does = served % 100 < given.share * 100
            for _ in range(given.times if does else 0):
                MODES[given.mode](given)
            self.send_response(500 if does and given.mode == "errors" else 200)
            self.send_header("Content-Length", "2")
            self.end_headers()
            self.wfile.write(b"ok")

        def log_message(self, *_: Any) -> None:
            """Say nothing."""

    return Handler


def prepare(given: argparse.Namespace) -> None:
    if given.mode == "log":
        with tempfile.NamedTemporaryFile(suffix=".log", delete=False, dir="/var/tmp") as file:
            log.addHandler(Synced(file.name))
        log.propagate = False
    if given.mode == "gc":
        KEPT.append([{"n": [n]} for n in range(1_500_000)])
        gc.collect()
    for _ in range(given.pool if given.backend else 0):
        CONNECTIONS.put(socket.create_connection(("127.0.0.1", given.backend)))


class Threaded(ThreadingHTTPServer):
    request_queue_size = 1024
    daemon_threads = True


class OneByOne(HTTPServer):
    request_queue_size = 1024


def main() -> None:
    given = options()
    prepare(given)
    if not given.workers:
        Threaded(("127.0.0.1", given.port), handler_of(given)).serve_forever()
    server = OneByOne(("127.0.0.1", given.port), handler_of(given))
    for _ in range(given.workers - 1):
        if not os.fork():
            break
    server.serve_forever()


if __name__ == "__main__":
    sys.setswitchinterval(0.005)
    main()
