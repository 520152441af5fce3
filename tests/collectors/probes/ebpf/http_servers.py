"""Servers whose times and answers are known, for the test of the HTTP probe. `/<milliseconds>/<status>` is answered so.

Run as a script it serves with Python's http.server; `answer_in_order` is a bare server that pipelines.
"""

from __future__ import annotations

import socket
import sys
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def answer(self) -> None:
        _, milliseconds, status = self.path.split("/")
        body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        time.sleep(int(milliseconds) / 1000)
        self.send_response(int(status))
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    do_GET = do_POST = do_DELETE = answer  # noqa: N815 - http.server calls them so

    def log_message(self, *_) -> None:
        pass


def answer_in_order(server: socket.socket, pause_seconds: float, status: str = "204 No Content") -> None:
    """Read all that is there, then answer one request after the other, each in a write of its own."""
    connection, _ = server.accept()
    pending = b""
    with connection:
        while data := connection.recv(4096):
            pending += data
            while b"\r\n\r\n" in pending:
                _, _, pending = pending.partition(b"\r\n\r\n")
                time.sleep(pause_seconds)
                connection.send(f"HTTP/1.1 {status}\r\n\r\n".encode())


if __name__ == "__main__":
    served = ThreadingHTTPServer((sys.argv[1], 0), Handler)
    print(served.server_address[1], flush=True)
    served.serve_forever()
