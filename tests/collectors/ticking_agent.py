"""A real agent in its own process, hurried up, whose one probe counts: python -m … SERVER STATE_DIR."""

from __future__ import annotations

import itertools
import os
import sys
import time
from pathlib import Path

from collectors import agent, running, schedule
from collectors.config import load
from collectors.delivery import ship
from collectors.state import StateError
from collectors.wire import Points


class Ticks:
    """Every reading is one more than the last; the label tells the runs apart."""

    NAME, METRICS, COST, INTERVAL_SECONDS = "ticks", (), "cheap", 0.02

    def __init__(self) -> None:
        self._numbers = itertools.count(1)

    def collect(self, host):
        yield Points("ticks", {"pid": str(os.getpid())}, [time.time_ns()], [float(next(self._numbers))])


def hurry() -> None:
    agent.PUSH_SECONDS = agent.FIRST_PUSH_SECONDS = agent.SECOND_PUSH_SECONDS = 0.05
    schedule.SECOND_READING_SECONDS = 0.02
    ship.RESEND_SECONDS = 0.5
    ship.IDLE_SECONDS = 0.1
    ship.BACKOFF_SECONDS = (0.02, 0.1)


if __name__ == "__main__":
    hurry()
    running.ALL = (Ticks,)
    flags = {"server": sys.argv[1], "state_dir": sys.argv[2], "stacks.continuous": False}
    state = Path(sys.argv[2])
    state.mkdir(exist_ok=True)
    (state / "token").write_text("secret\n")
    try:
        sys.exit(running.run(load(None, {}, flags, ["ticks"])))
    except StateError as error:
        sys.exit(str(error))
