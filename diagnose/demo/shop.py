"""A small web shop: threads, real HTTP, an SQLite file. `--fault` turns one of its three weaknesses on.

Run as a program of its own, so that Diagnose sees it as it would see anybody's service: as `shop.py`.
"""

from __future__ import annotations

import argparse
import itertools
import json
import os
import resource
import signal
import sqlite3
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import IO

_PRODUCTS = [(f"Lamp no. {number}", 900 + 37 * number % 5000) for number in range(200)]
_VOUCHERS = (2, 3, 4, 5, 6, 7, 8, 9, 10, 12, 14, 15, 18, 20, 25, 30)  # percent
_LEAKED: list[IO[str]] = []


def make_database(path: Path) -> None:
    with sqlite3.connect(path) as database:
        database.execute(
            "CREATE TABLE IF NOT EXISTS product (id INTEGER PRIMARY KEY, name TEXT, cents INTEGER)"
        )
        database.execute(
            "CREATE TABLE IF NOT EXISTS orders (id INTEGER PRIMARY KEY, product INTEGER, cents INTEGER)"
        )
        if not database.execute("SELECT count(*) FROM product").fetchone()[0]:
            database.executemany("INSERT INTO product (name, cents) VALUES (?, ?)", _PRODUCTS)
    database.close()


def best_voucher(cents: int) -> int:
    """What the shop should do: the largest single voucher wins."""
    return cents * (100 - max(_VOUCHERS)) // 100


def try_every_combination(cents: int) -> int:
    """The hot function: pure Python over all combinations, so the interpreter lock is never let go for long."""
    best = cents
    for length in range(len(_VOUCHERS) + 1):
        for vouchers in itertools.combinations(_VOUCHERS, length):
            price = cents
            for percent in vouchers:
                price = price * (100 - percent) // 100
            best = min(best, max(price, cents // 2))
    return best


class Shop(ThreadingHTTPServer):
    """One thread a connection; the accept queue is as long as `backlog` asks."""

    daemon_threads = True

    def __init__(self, port: int, backlog: int, directory: Path, fault: str) -> None:
        self.request_queue_size = backlog
        self.directory = directory
        self.fault = fault
        make_database(directory / "shop.sqlite3")
        super().__init__(("127.0.0.1", port), Handler)

    def database(self) -> sqlite3.Connection:
        return sqlite3.connect(self.directory / "shop.sqlite3", timeout=5)

    def price(self, cents: int) -> int:
        return try_every_combination(cents) if self.fault == "hot-function" else best_voucher(cents)

    def handle_error(self, *_: object) -> None:
        """A customer who hung up, or the fault at work: neither belongs on the demo's terminal."""

    def write_receipt(self, order: int, cents: int) -> None:
        receipt = (self.directory / f"receipt-{order % 50}.txt").open("w")
        receipt.write(f"order {order}: {cents / 100:.2f}\n")
        if self.fault == "fd-leak":
            _LEAKED.append(receipt)  # forgotten open, as a missing `with` does
        else:
            receipt.close()


class Handler(BaseHTTPRequestHandler):
    """GET /products lists, GET /price computes, POST /orders writes a row and a receipt."""

    protocol_version = "HTTP/1.1"
    # Headers and body are two writes: the second would wait 40 ms for the delayed ACK of the first, and the shop
    # would spend its time on that instead of on its fault.
    disable_nagle_algorithm = True
    server: Shop

    def do_GET(self) -> None:
        database = self.server.database()
        try:
            rows = database.execute("SELECT id, name, cents FROM product ORDER BY name LIMIT 20").fetchall()
        finally:
            database.close()
        if self.path == "/price":
            self._answer({"cents": self.server.price(sum(row[2] for row in rows))})
        else:
            self._answer({"products": rows})

    def do_POST(self) -> None:
        self.rfile.read(int(self.headers.get("Content-Length", 0)))
        database = self.server.database()
        try:
            with database:
                cursor = database.execute("INSERT INTO orders (product, cents) VALUES (1, 4200)")
        finally:
            database.close()
        self.server.write_receipt(cursor.lastrowid or 0, 4200)
        self._answer({"order": cursor.lastrowid})

    def _answer(self, body: object) -> None:
        data = json.dumps(body).encode()
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)

    def log_message(self, *_: object) -> None:
        """No access log: the shop is not what is being shown."""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--directory", type=Path, required=True)
    parser.add_argument("--backlog", type=int, default=1024)
    parser.add_argument("--open-files", type=int, default=0, help="soft RLIMIT_NOFILE")
    parser.add_argument("--fault", choices=["none", "hot-function", "fd-leak"], default="none")
    options = parser.parse_args()
    if options.open_files:
        resource.setrlimit(
            resource.RLIMIT_NOFILE, (options.open_files, resource.getrlimit(resource.RLIMIT_NOFILE)[1])
        )
    signal.signal(signal.SIGTERM, lambda *_: os._exit(0))
    Shop(options.port, options.backlog, options.directory, options.fault).serve_forever()


if __name__ == "__main__":
    main()
