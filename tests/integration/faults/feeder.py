"""A collector's spool and shipper in a process of their own, fed with numbered batches: python -m … SERVER STATE_DIR.

A batch's number is its sequence number, so that after kill -9 the spool itself tells with which one to go on. The
stream stops at the number in STATE_DIR/last, when there is one, and ends with the process that started it.
"""

from __future__ import annotations

import os
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path

from collectors import state
from collectors.columns import Frame, StackColumns, StackSample
from collectors.delivery import payload
from collectors.delivery.client import Client
from collectors.delivery.gather import Gather
from collectors.delivery.ship import Shipper
from collectors.delivery.spool import Spool
from collectors.wire import Event, Histogram, Points, Sample, Stacks

PACE_SECONDS = 0.07
# The stream waits for a machine that is too busy to keep up with it, or no round would ever end.
MOST_WAITING = 100
METRIC, DISTRIBUTION, SERVICE, EVENT = "numbered", "numbered_seconds", "numbered", "numbered"
SPOOL_BYTES = 1 << 30


def samples(number: int) -> Iterator[Sample]:
    """One of each kind that is added up or counted, all saying the same number."""
    now = time.time_ns()
    yield Points(METRIC, {}, [now], [float(number)])
    yield Histogram(DISTRIBUTION, {}, now, "loglin20", {7: number}, float(number), number)
    yield Stacks(
        type="cpu",
        unit="samples",
        service=SERVICE,
        labels={},
        start_ns=now - 10**9,
        end_ns=now,
        period=10_000_000,
        strings=["", "MainThread", "stream.py", "stream", str(number)],
        columns=StackColumns.of(
            [Frame(3, 2, 1, 0), Frame(4, 2, 2, 0)], [[0, 1]], [StackSample(0, 1, number)]
        ),
    )
    yield Event(EVENT, now, {"number": str(number)})


def body(number: int) -> bytes:
    """What the spool keeps."""
    gather = Gather()
    for sample in samples(number):
        gather.add("feeder", sample)
    return payload.pack(gather.take())


def feed(server: str, state_dir: Path) -> None:
    spool = Spool(state_dir / "spool", SPOOL_BYTES)
    client = Client(server, lambda: state.read_token(state_dir / "token"), "feeder", "", "")
    shipper = Shipper(spool, client, state.identity(state_dir), "feeder")
    threading.Thread(target=shipper.run, daemon=True).start()
    while True:
        number = spool.state().next_seq
        if number <= last_of(state_dir) and spool.state().batches < MOST_WAITING:
            spool.append(body(number))
            shipper.wake()
        time.sleep(PACE_SECONDS)


def last_of(state_dir: Path) -> int:
    try:
        return int((state_dir / "last").read_text())
    except FileNotFoundError:
        return 1 << 62


def _end_with_the_parent() -> None:
    sys.stdin.read()
    os._exit(0)


if __name__ == "__main__":
    threading.Thread(target=_end_with_the_parent, daemon=True).start()
    feed(sys.argv[1], Path(sys.argv[2]))
