"""TLS: `secure.py serve PORT CERTIFICATE KEY` and `secure.py ask PORT [--rate N] [--resume] [--kept N]`.

The server answers a line with a line and gives out tickets; a client that resumes presents the last one it got.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import socket
import ssl
import threading
import time


def options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("role", choices=["serve", "ask"])
    parser.add_argument("port", type=int)
    parser.add_argument("files", nargs="*")
    parser.add_argument("--rate", type=float, default=80.0, help="connections a second")
    parser.add_argument("--threads", type=int, default=4)
    parser.add_argument("--resume", action="store_true")
    parser.add_argument("--requests", type=int, default=1, help="on each connection")
    return parser.parse_args()


async def serve(port: int, certificate: str, key: str) -> None:
    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(OSError):
            while await reader.readline():
                writer.write(b"ok\n")
                await writer.drain()
        writer.close()

    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(certificate, key)
    server = await asyncio.start_server(answer, "127.0.0.1", port, ssl=context, backlog=1024)
    await server.serve_forever()


def ask(given: argparse.Namespace) -> None:
    """A connection after the other, each with its requests, at an even rate."""
    context = ssl.create_default_context()
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    session, due = None, time.monotonic()
    while True:
        with (
            contextlib.suppress(OSError),
            socket.create_connection(("127.0.0.1", given.port), 10) as plain,
            context.wrap_socket(plain, session=session) as sock,
        ):
            for _ in range(given.requests):
                sock.sendall(b"hello\n")
                sock.recv(100)
            session = sock.session if given.resume else None
        due += given.threads / given.rate
        time.sleep(max(0.0, due - time.monotonic()))


def main() -> None:
    given = options()
    if given.role == "serve":
        asyncio.run(serve(given.port, *given.files))
    for _ in range(given.threads):
        threading.Thread(target=ask, args=(given,), daemon=True).start()
    time.sleep(3600)


if __name__ == "__main__":
    main()
