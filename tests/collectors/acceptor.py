"""A small real HTTP server that takes batches the way the ingest API does, and misbehaves on order."""

from __future__ import annotations

import hashlib
import json
import ssl
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from collectors.wire import Batch, Sample, decode_batch
from tests.batches import samples_in

Reply = tuple[int, dict[str, str], bytes]


def json_reply(status: int, value: Any, **headers: str) -> Reply:
    kind = "application/problem+json" if status >= 400 else "application/json"
    return status, {"Content-Type": kind, **headers}, json.dumps(value).encode()


@dataclass
class Request:
    method: str
    path: str
    headers: dict[str, str]
    body: bytes


@dataclass
class Acceptor:
    """Commits what it accepts, contiguously, unless `script` has a reply for the next request to its path."""

    requests: list[Request] = field(default_factory=list)
    batches: dict[tuple[str, int], Batch] = field(default_factory=dict)
    digests: dict[tuple[str, int], set[str]] = field(default_factory=dict)
    arrivals: list[tuple[str, int]] = field(default_factory=list)
    committed: dict[str, int] = field(default_factory=dict)
    commits: bool = True
    script: dict[str, list[Reply]] = field(default_factory=dict)
    routes: dict[str, Callable[[Request], Reply]] = field(default_factory=dict)
    changed: threading.Condition = field(default_factory=threading.Condition)
    url: str = ""

    def reply(self, request: Request) -> Reply:
        path = request.path.split("?")[0]
        with self.changed:
            self.requests.append(request)
            self.changed.notify_all()
            if self.script.get(path):
                return self.script[path].pop(0)
        if path in self.routes:
            return self.routes[path](request)
        if path == "/api/v1/batches":
            return self._take(request.body)
        return json_reply(404, {"title": "Not found"})

    def samples(self) -> list[Sample]:
        """Of all batches taken, in the order of their numbers."""
        with self.changed:
            batches = [self.batches[key] for key in sorted(self.batches)]
        return [sample for batch in batches for sample in samples_in(batch.content)]

    def wait_for(self, condition: Callable[[], Any], seconds: float = 15.0) -> None:
        with self.changed:
            assert self.changed.wait_for(condition, seconds), f"did not happen in {seconds} s"

    def _take(self, body: bytes) -> Reply:
        batch = decode_batch(body)
        key = batch.epoch, batch.seq
        with self.changed:
            self.arrivals.append(key)
            self.batches.setdefault(key, batch)
            content = hashlib.sha256(batch.content).hexdigest()
            self.digests.setdefault(key, set()).add(content)
            if self.commits:
                mark = max(self.committed.get(batch.epoch, 0), batch.oldest_seq - 1)
                while (batch.epoch, mark + 1) in self.batches:
                    mark += 1
                self.committed[batch.epoch] = mark
            self.changed.notify_all()
            seq = self.committed.get(batch.epoch, 0)
        return json_reply(202, {"committed": {"epoch": batch.epoch, "seq": seq}})


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    acceptor: Acceptor

    def handle_error(self, *_: Any) -> None:
        """A client that is killed in the middle of a request is what some tests are about."""


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    server: _Server

    def do_GET(self) -> None:
        self._answer()

    def do_POST(self) -> None:
        self._answer()

    def _answer(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        headers = {name.lower(): value for name, value in self.headers.items()}
        reply = self.server.acceptor.reply(Request(self.command, self.path, headers, body))
        if reply[0] == 0:  # garbage instead of HTTP
            self.wfile.write(reply[2])
            self.close_connection = True
            return
        self.send_response(reply[0])
        for name, value in reply[1].items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(reply[2])))
        self.end_headers()
        self.wfile.write(reply[2])

    def log_message(self, *_: Any) -> None:
        pass


@contextmanager
def serving(acceptor: Acceptor, port: int = 0, tls: ssl.SSLContext | None = None) -> Iterator[Acceptor]:
    """Listens on loopback until the block ends; with TLS under the name `localhost`."""
    server = _Server(("127.0.0.1", port), _Handler)
    server.acceptor = acceptor
    acceptor.url = f"http://127.0.0.1:{server.server_address[1]}"
    if tls is not None:  # handshakes are made where they wait for nobody else
        server.socket = tls.wrap_socket(server.socket, server_side=True, do_handshake_on_connect=False)
        acceptor.url = f"https://localhost:{server.server_address[1]}"
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
    thread.start()
    try:
        yield acceptor
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
