"""The product on disks of its own that get full: python -m … DIRECTORY, as root, in a mount namespace of its own.

DATA_DIR and the collector's spool are small tmpfs, which are gone with this process.
"""

from __future__ import annotations

import errno
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from io import FileIO
from pathlib import Path

from tests.integration.faults.stand import Stand, running
from tests.integration.product import until

DATA_MB, SPOOL_MB = 160, 4


def main(directory: Path) -> None:
    data, spool = directory / "data", directory / "feeder" / "spool"
    mount(data, f"{DATA_MB}m")
    mount(spool, f"{SPOOL_MB}m")
    with running(Stand(directory)) as stand:
        for name, fault in (("data", data_dir_full), ("spool", spool_full), ("killed", killed_while_full)):
            fault(stand, directory)
            print(f"{name}: {stand.recover().committed} committed", flush=True)
        print(f"drained: {stand.drain().committed} committed", flush=True)


def mount(place: Path, size: str) -> None:
    place.mkdir(parents=True)
    subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={size},mode=700", "tmpfs", str(place)], check=True)


@contextmanager
def filled(place: Path) -> Iterator[None]:
    """Not one byte more fits into the file system of `place`."""
    ballast = place / "ballast"
    try:
        with ballast.open("wb", buffering=0) as stream:
            for size in (1 << 20, 4096, 1):
                _write_until_full(stream, bytes(size))
        yield
    finally:
        ballast.unlink(missing_ok=True)


def _write_until_full(stream: FileIO, piece: bytes) -> None:
    while True:
        try:
            if stream.write(piece) < len(piece):
                return
        except OSError as error:
            if error.errno == errno.ENOSPC:
                return
            raise


def data_dir_full(stand: Stand, directory: Path) -> None:
    """Nothing is written, it is said why in words, and everything waits in the spool."""
    stand.recover()
    before = len(stand.product.lines)
    with filled(directory / "data"):
        until(lambda: "Nothing more can be stored" in log_of(directory), 40, stand.explain)
        time.sleep(10)
        stuck = stand.waiting()
        time.sleep(3)
        assert stand.waiting()[0] == stuck[0], "something was committed on a full disk"
        assert stand.product.process
        assert stand.product.process.poll() is None
    assert any("free at DATA_DIR" in line for line in stand.product.lines[before:]), stand.explain()


def spool_full(stand: Stand, directory: Path) -> None:
    """The stream goes on from memory while its disk takes nothing."""
    with filled(directory / "feeder" / "spool"):
        before = stand.tally().committed
        until(lambda: stand.tally().committed > before + 20, 60, stand.explain)
    until(lambda: max(stand.waiting()) > before + 20, 30, stand.explain)


def killed_while_full(stand: Stand, directory: Path) -> None:
    """What was in memory and was not committed is lost, and told as a gap; no number is taken for another's."""
    with filled(directory / "feeder" / "spool"):
        before = stand.tally().committed
        until(lambda: stand.tally().committed > before + 20, 60, stand.explain)
        stand.may_lose = True
        stand.restart_feeder()
        time.sleep(3)


def log_of(directory: Path) -> str:
    return (directory / "feeder" / "log").read_text()


if __name__ == "__main__":
    main(Path(sys.argv[1]))
