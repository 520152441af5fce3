"""A server in a process of its own that commits each batch at once, and tells which."""

from __future__ import annotations

import json
import multiprocessing
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from multiprocessing.connection import Connection

from collectors.wire import decode_batch

PORT = 18_491


@contextmanager
def committing_server() -> Iterator[Connection]:
    """A server in a process of its own; what it commits comes through the connection."""
    ours, theirs = multiprocessing.Pipe()
    process = multiprocessing.Process(target=serve, args=(theirs,), daemon=True)
    process.start()
    ours.recv()
    try:
        yield ours
    finally:
        process.terminate()
        process.join()


def serve(told: Connection) -> None:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            answer: dict[str, object] = {}
            if self.path == "/api/v1/batches":
                batch = decode_batch(body)
                answer = {"committed": {"epoch": batch.epoch, "seq": batch.seq}}
                told.send((batch.epoch, batch.seq))
            self.answer(202, answer)

        def do_GET(self) -> None:
            time.sleep(20)
            with suppress(ConnectionError):  # the collector has ended meanwhile
                self.answer(200, {"commands": [], "after": ""})

        def answer(self, status: int, content: dict[str, object]) -> None:
            body = json.dumps(content).encode()
            self.send_response(status)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            pass

    class Server(ThreadingHTTPServer):
        def handle_error(self, *_: object) -> None:
            """A collector that is ended hangs up on whoever was about to answer it."""

    server = Server(("127.0.0.1", PORT), Handler)
    told.send("up")
    server.serve_forever()
