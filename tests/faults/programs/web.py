"""An HTTP service and its customers: `web.py serve PORT [options]` and `web.py ask PORT [options]`.

With a backend each request asks that first, over a connection that its thread keeps.
"""

from __future__ import annotations

import argparse
import contextlib
import http.client
import os
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any


def options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("role", choices=["serve", "ask"])
    parser.add_argument("port", type=int)
    parser.add_argument("--backend", type=int, default=0, help="port of another one, asked for each request")
    parser.add_argument("--delay", type=float, default=0.0, help="seconds that a request sleeps")
    parser.add_argument("--after", type=float, default=0.0, help="seconds until --delay begins")
    parser.add_argument("--work", type=float, default=0.0, help="seconds of CPU time a request")
    parser.add_argument("--processes", type=int, default=1)
    parser.add_argument("--customers", type=int, default=8)
    parser.add_argument("--pause", type=float, default=0.05, help="seconds between requests of a customer")
    return parser.parse_args()


class Service(BaseHTTPRequestHandler):
    """One request, one answer of two bytes."""

    protocol_version = "HTTP/1.1"
    given: argparse.Namespace
    began = time.monotonic()

    def setup(self) -> None:
        super().setup()
        self.backend = http.client.HTTPConnection("127.0.0.1", self.given.backend)

    def do_GET(self) -> None:
        if self.given.backend:
            self.backend.request("GET", "/stock")
            self.backend.getresponse().read()
        if time.monotonic() - self.began >= self.given.after:
            time.sleep(self.given.delay)
        until = time.thread_time() + self.given.work
        while time.thread_time() < until:
            pass
        self.send_response(200)
        self.send_header("Content-Length", "2")
        self.end_headers()
        self.wfile.write(b"ok")

    def log_message(self, *_: Any) -> None:
        """Say nothing."""


class Server(ThreadingHTTPServer):
    request_queue_size = 1024
    daemon_threads = True


def ask(given: argparse.Namespace) -> None:
    while True:
        connection = http.client.HTTPConnection("127.0.0.1", given.port, timeout=20)
        with contextlib.suppress(OSError, http.client.HTTPException):
            while True:
                connection.request("GET", "/basket")
                connection.getresponse().read()
                time.sleep(given.pause)
        time.sleep(0.2)


def main() -> None:
    given = Service.given = options()
    if given.role == "ask":
        for _ in range(given.customers):
            threading.Thread(target=ask, args=(given,), daemon=True).start()
        time.sleep(3600)
    server = Server(("127.0.0.1", given.port), Service)
    for _ in range(given.processes - 1):
        if not os.fork():
            break
    server.serve_forever()


if __name__ == "__main__":
    main()
