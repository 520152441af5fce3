"""A TCP server that answers `ok` to every line and closes when its client does. `server.py PORT [options]`."""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import resource
import socket
import struct

KEPT: list[object] = []


def options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("ports", type=int, nargs="+")
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--backlog", type=int, default=1024)
    parser.add_argument("--answer-bytes", type=int, default=2)
    parser.add_argument("--delay", type=float, default=0.0, help="seconds until it answers")
    parser.add_argument(
        "--never-close", action="store_true", help="forgets connections that the client closed"
    )
    parser.add_argument("--close-first", action="store_true", help="closes after its answer")
    parser.add_argument("--reset", action="store_true", help="breaks the connection off instead of answering")
    parser.add_argument("--open-files", type=int, default=0)
    return parser.parse_args()


async def serve(given: argparse.Namespace) -> None:
    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        sock = writer.get_extra_info("socket")
        with contextlib.suppress(OSError):
            while await reader.readline():
                if given.reset:
                    sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
                    break
                if given.delay:
                    await asyncio.sleep(given.delay)
                writer.write(b"o" * (given.answer_bytes - 1) + b"\n")
                await writer.drain()
                if given.close_first:
                    break
        if given.never_close:
            KEPT.append((reader, writer))
            await asyncio.Event().wait()
        writer.close()

    servers = [
        await asyncio.start_server(answer, given.host, port, backlog=given.backlog, reuse_address=True)
        for port in given.ports
    ]
    await asyncio.gather(*(server.serve_forever() for server in servers))


def main() -> None:
    given = options()
    files = given.open_files or resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    resource.setrlimit(resource.RLIMIT_NOFILE, (files, resource.getrlimit(resource.RLIMIT_NOFILE)[1]))
    asyncio.run(serve(given))


if __name__ == "__main__":
    main()
