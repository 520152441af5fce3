"""From samples to the spool, on a thread of its own: a disk that takes seconds to sync must not delay a probe."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable
from pathlib import Path

from collectors.delivery import payload
from collectors.delivery.gather import Gather
from collectors.delivery.spool import Spool
from collectors.state import AgentState, write_state
from collectors.wire import Event, Sample

_LOG = logging.getLogger("diagnose.outbox")


class Outbox:
    """`add` from any thread; `run` moves what was added into the spool whenever `flush_soon` was called."""

    def __init__(
        self, spool: Spool, sent: Callable[[], None], state_dir: Path, describe: Callable[[], AgentState]
    ) -> None:
        self._spool, self._sent = spool, sent
        self._state_dir, self._describe = state_dir, describe
        self._gather = Gather()
        self._wanted = threading.Event()
        self._closing = False
        self._dropped = 0
        self.add = self._gather.add
        self.count_run = self._gather.count_run

    @property
    def held_bytes(self) -> int:
        """About what waits in memory."""
        return self._gather.held_bytes

    def add_now(self, sample: Sample) -> None:
        """Keep a capture's sample and send it without waiting for the next push."""
        self.add("capture", sample)
        self.flush_soon()

    def flush_soon(self) -> None:
        self._wanted.set()

    def close(self) -> None:
        """Flush once more, then `run` returns."""
        self._closing = True
        self._wanted.set()

    def run(self) -> None:
        closing = False
        while not closing:
            self._wanted.wait()
            self._wanted.clear()
            closing = self._closing
            self._flush()

    def _flush(self) -> None:
        for part in payload.split(self._gather.take()):
            self._spool.append(part)
        self._sent()
        self._tell_losses()
        try:
            write_state(self._state_dir, self._describe())
        except OSError as error:
            _LOG.warning("cannot write %s/status.json: %s", self._state_dir, error.strerror)

    def _tell_losses(self) -> None:
        dropped = self._spool.state().dropped
        if dropped > self._dropped:
            fields = {"batches": str(dropped - self._dropped)}
            self.add("collector", Event("spool_dropped_batches", time.time_ns(), fields))
        self._dropped = dropped
