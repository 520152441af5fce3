"""Threads or processes that use CPU or only sleep: `spin.py --workers N [--threads N] [--busy SHARE]`."""

from __future__ import annotations

import argparse
import contextlib
import os
import threading
import time

_PERIOD_SECONDS = 0.05


def options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--workers", type=int, default=1, help="processes")
    parser.add_argument(
        "--threads", type=int, default=0, help="sleeping threads of the first process, one each 0.1 s"
    )
    parser.add_argument("--busy", type=float, default=1.0, help="share of the time a process computes")
    return parser.parse_args()


def compute(busy: float) -> None:
    while True:
        until = time.perf_counter() + busy * _PERIOD_SECONDS
        while time.perf_counter() < until:
            pass
        time.sleep((1 - busy) * _PERIOD_SECONDS)


def main() -> None:
    given = options()
    for _ in range(given.workers - 1):
        if not os.fork():
            compute(given.busy)
    started = 0
    while started < given.threads:
        with contextlib.suppress(RuntimeError):  # can't start new thread: tried again, as a pool would
            threading.Thread(target=time.sleep, args=(3600,), daemon=True).start()
            started += 1
        time.sleep(0.1)
    compute(given.busy)


if __name__ == "__main__":
    main()
