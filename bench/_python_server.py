"""A Python server to profile: `python -m bench._python_server COUNTS THREADS [PORT]`.

Each thread handles one request after the other: it decodes, renders and encodes for about a millisecond and waits two
for its database, which is a timer. With one thread there is no waiting: it is CPU-bound. What it handled is counted in
the mapped file COUNTS, one number for each thread. With PORT it profiles itself with the pyroscope-io SDK at its
defaults, which sends to a sink there.
"""

from __future__ import annotations

import json
import mmap
import struct
import sys
import threading
import time
from pathlib import Path

DOCUMENT = json.dumps({"rows": [{"id": number, "name": f"name {number}"} for number in range(100)]})
DATABASE_SECONDS = 0.002


def main() -> None:
    path, threads, port = Path(sys.argv[1]), int(sys.argv[2]), sys.argv[3:]
    if port:
        import pyroscope

        pyroscope.configure(application_name="bench", server_address=f"http://127.0.0.1:{port[0]}")
    with path.open("r+b") as file:
        counts = mmap.mmap(file.fileno(), 8 * threads)
    for number in range(threads):
        arguments = (counts, number, DATABASE_SECONDS if threads > 1 else 0.0)
        threading.Thread(target=serve, args=arguments, name=f"worker-{number}", daemon=True).start()
    print("ready", flush=True)
    sys.stdin.read()


def serve(counts: mmap.mmap, number: int, wait_seconds: float) -> None:
    handled = 0
    while True:
        handle(DOCUMENT)
        handled += 1
        struct.pack_into("Q", counts, 8 * number, handled)
        if wait_seconds:
            time.sleep(wait_seconds)


def handle(request: str) -> str:
    return respond(render(decode(request)))


def decode(request: str) -> list[dict[str, object]]:
    return list(json.loads(request)["rows"])


def render(rows: list[dict[str, object]]) -> list[str]:
    return [f"<li id={row['id']}>{str(row['name']).title()}</li>" for row in rows for _ in range(6)]


def respond(lines: list[str]) -> str:
    return json.dumps({"length": sum(map(len, lines)), "lines": lines})


if __name__ == "__main__":
    main()
