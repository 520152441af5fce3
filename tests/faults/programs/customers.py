"""Customers of an HTTP service, each with a connection that it keeps: `customers.py PORT COUNT [options]`."""

from __future__ import annotations

import argparse
import http.client
import threading
import time


def options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("port", type=int)
    parser.add_argument("count", type=int)
    parser.add_argument("--pause", type=float, default=0.0, help="seconds from an answer to the next request")
    parser.add_argument("--path", default="/")
    return parser.parse_args()


def ask_on(given: argparse.Namespace) -> None:
    connection = http.client.HTTPConnection("127.0.0.1", given.port, timeout=30)
    while True:
        try:
            connection.request("GET", given.path)
            connection.getresponse().read()
            time.sleep(given.pause)
        except (OSError, http.client.HTTPException):
            connection.close()
            time.sleep(0.2)


def main() -> None:
    given = options()
    for _ in range(given.count):
        threading.Thread(target=ask_on, args=(given,), daemon=True).start()
    time.sleep(3600)


if __name__ == "__main__":
    main()
