"""kill -9 in the middle of a stream, again and again, with a seeded pick of the victim: nothing lost, nothing twice.

FAULT_ROUNDS (50, over both databases) and FAULT_SEED choose the run. A stopped run goes on where it was; the data of
one that failed are kept beside it.
"""

from __future__ import annotations

import os
import shutil
import tempfile
import time
import zlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.integration.faults.postgresql import require_postgresql
from tests.integration.faults.rounds import Outcome, Record, Round, planned
from tests.integration.faults.stand import Stand, running
from tests.integration.product import ROOT

SEED = int(os.environ.get("FAULT_SEED", "1"))
ROUNDS = int(os.environ.get("FAULT_ROUNDS", "50")) // 2
# A short path: a unix socket lies below it. One a checkout.
PLACE = Path(tempfile.gettempdir()) / f"diagnose-faults-{zlib.crc32(bytes(ROOT)):08x}"

BLOWS: dict[str, Callable[[Stand], object]] = {
    "worker": Stand.kill_worker,
    "web": Stand.kill_web,
    "the web server's child": Stand.kill_web_child,
    "queue": Stand.kill_queue,
    "collector": Stand.restart_feeder,
    "everything": Stand.kill_everything,
}
BLOWS_AT_POSTGRESQL: dict[str, Callable[[Stand], object]] = {
    "postgresql": Stand.kill_database,
    "a connection of postgresql": Stand.kill_connection,
}


@pytest.mark.system
@pytest.mark.parametrize("database", ["sqlite", "postgresql"])
def test_killed_with_9_in_the_middle_of_a_stream_every_batch_is_there_once(database: str):
    if database == "postgresql":
        require_postgresql()
    blows = BLOWS | (BLOWS_AT_POSTGRESQL if database == "postgresql" else {})
    place = PLACE / f"{database}-{SEED}-{ROUNDS}"
    place.mkdir(parents=True, exist_ok=True)
    record = Record(place / "rounds.json")
    with kept_when_failed(place), running(Stand(place, database == "postgresql")) as stand:
        for one in record.left(planned(SEED, ROUNDS, list(blows))):
            record.add(played(stand, one, blows[one.victim]))
        stand.drain()
    shutil.rmtree(place)


def played(stand: Stand, one: Round, blow: Callable[[Stand], object]) -> Outcome:
    time.sleep(one.after_seconds)
    blow(stand)
    struck_at = time.monotonic()
    tally = stand.recover()
    outcome = Outcome(one.number, one.victim, round(time.monotonic() - struck_at, 1), tally.committed)
    print(outcome, flush=True)
    return outcome


@contextmanager
def kept_when_failed(place: Path) -> Iterator[None]:
    """A run that found something wrong is not gone on with: its data are moved aside to be looked at."""
    try:
        yield
    except Exception:
        failed = place.with_name(f"{place.name}-failed")
        shutil.rmtree(failed, ignore_errors=True)
        place.rename(failed)
        raise
