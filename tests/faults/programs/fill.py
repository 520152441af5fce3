"""Fills a folder at an even pace: `fill.py FOLDER [--already BYTES] [--bytes PER_SECOND] [--files PER_SECOND]`."""

from __future__ import annotations

import argparse
import itertools
import time
from pathlib import Path

STEP_SECONDS = 0.25


def options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--already", type=int, default=0)
    parser.add_argument("--bytes", type=float, default=0.0)
    parser.add_argument("--files", type=float, default=0.0)
    return parser.parse_args()


def write(file: Path, count: int) -> None:
    with file.open("ab") as opened:
        opened.write(b"f" * count)


def main() -> None:
    given = options()
    write(given.folder / "already", given.already)
    began, written, names = time.monotonic(), 0, itertools.count()
    made = 0
    while True:
        time.sleep(STEP_SECONDS)
        seconds = time.monotonic() - began
        try:
            write(given.folder / "log", int(given.bytes * seconds) - written)
            written = int(given.bytes * seconds)
            while made < given.files * seconds:
                (given.folder / str(next(names))).touch()
                made += 1
        except OSError:  # no space left: it is tried again, as by a service with much to say
            continue


if __name__ == "__main__":
    main()
