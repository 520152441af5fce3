"""Sends what the spool holds, in order, and lets go only of what the server says it has committed.

The server answers 202 before a batch is written, with the sequence number up to which all is written. So a batch
stays in the spool until a later answer covers it, and everything is sent again when that number stands still.
"""

from __future__ import annotations

import logging
import random
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import msgspec

from collectors.delivery import payload
from collectors.delivery.client import Answer, Client, Unreachable
from collectors.delivery.spool import Entry, Spool
from collectors.state import StateError
from collectors.wire import CONTENT_TYPE, VERSION, Batch, encode_batch

_LOG = logging.getLogger("diagnose.ship")

RESEND_SECONDS = 15.0
# Batches sent and not yet committed; more would only pile up in the server's queue.
WINDOW = 64
WINDOW_FULL_SECONDS = 2.0
# Who refuses so little as too large would refuse anything: cutting it up would only lose it.
SMALL_BYTES = 64 * 1024
# Between batches of a backlog: 20/s empties a day's outage in 7 minutes at about 5 % of a core.
BACKLOG_PAUSE_SECONDS = 0.05
IDLE_SECONDS = 5.0
BACKOFF_SECONDS = (1.0, 60.0)
MAX_RETRY_AFTER_SECONDS = 300.0


class _Committed(msgspec.Struct, frozen=True):
    epoch: str
    seq: int


class _Accepted(msgspec.Struct, frozen=True):
    committed: _Committed


@dataclass(slots=True)
class Progress:
    """What `status` shows; times are Unix seconds, 0 for never."""

    sent_at: float = 0.0
    committed_at: float = 0.0
    committed_seq: int = 0
    quarantined: int = 0
    error: str = ""


class Refused(Exception):
    """The server cannot take anything now; `after` is what it asked to wait, 0 when it did not say."""

    def __init__(self, reason: str, after: float = 0.0) -> None:
        super().__init__(reason)
        self.after = after


class Shipper:
    """`step` does one request and returns how many seconds to rest; `run` repeats it until `stop`."""

    def __init__(
        self, spool: Spool, client: Client, host: str, agent: str, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self.progress = Progress()
        self._spool, self._client, self._host, self._agent, self._clock = spool, client, host, agent, clock
        self._known_seq = spool.state().next_seq - 1  # the server cannot have more than this or what we sent
        self._sent_seq = 0
        self._moved_at = clock()
        self._failures = 0
        self._wake = threading.Event()
        self._stopping = False

    def wake(self) -> None:
        """Something new is in the spool."""
        self._wake.set()

    def stop(self) -> None:
        self._stopping = True
        self._wake.set()

    def run(self) -> None:
        while not self._stopping:
            rest = self.step()
            until = self._clock() + rest
            while not self._stopping and (left := until - self._clock()) > 0:
                if self._wake.wait(left):
                    self._wake.clear()
                    if not self._failures:
                        break

    def step(self) -> float:
        """Send the batch whose turn it is. Never raises: trouble is waited out."""
        entry, rest = self._choose()
        if entry is None:
            return rest
        try:
            self._take_answer(entry, self._send(entry))
        except (Refused, Unreachable, StateError, OSError) as error:
            return self._back_off(error)
        if self._failures:
            _LOG.info("batches are taken again by %s", self._client.server)
        self._failures, self.progress.error = 0, ""
        return rest

    def _choose(self) -> tuple[Entry | None, float]:
        outstanding = self._spool.pending_through(self._sent_seq)
        if not outstanding:
            self._moved_at = self._clock()
        elif self._clock() - self._moved_at >= RESEND_SECONDS:
            self._sent_seq, self._moved_at, outstanding = 0, self._clock(), 0
        if outstanding >= WINDOW:
            # The oldest once more: it costs the server little and its answer says how far it is.
            return self._spool.next_after(0), WINDOW_FULL_SECONDS
        entry = self._spool.next_after(self._sent_seq)
        if entry is None:
            return None, IDLE_SECONDS
        return entry, BACKLOG_PAUSE_SECONDS

    def _send(self, entry: Entry) -> Answer:
        batch = Batch(
            version=VERSION,
            host=self._host,
            epoch=entry.epoch,
            seq=entry.seq,
            oldest_seq=entry.oldest_seq,
            sent_ns=time.time_ns(),
            content=payload.readable(entry.payload),
            agent=self._agent,
        )
        answer = self._client.post("/api/v1/batches", encode_batch(batch), {"Content-Type": CONTENT_TYPE})
        self.progress.sent_at = time.time()
        return answer

    def _take_answer(self, entry: Entry, answer: Answer) -> None:
        if answer.status == 202:
            committed = _committed(answer)
            self._sent_seq = max(self._sent_seq, entry.seq)
            self._take_commit(committed)
        elif answer.status == 422 and _is_ours(answer):
            _LOG.error("batch %s was put into quarantine: %s", entry.seq, _detail(answer))
            self.progress.quarantined += 1
            self._spool.discard(entry.seq)
        elif answer.status == 413:
            if len(entry.payload) > SMALL_BYTES:
                self._shrink(entry)
            raise Refused(
                f"413: a batch of {len(entry.payload)} bytes is too large for {self._client.server}"
            )
        else:
            raise Refused(_refusal(answer), _retry_after(answer))

    def _take_commit(self, committed: _Committed) -> None:
        if committed.epoch != self._spool.state().epoch:
            return
        self._known_seq = max(self._known_seq, self._sent_seq)
        if committed.seq > self._known_seq:
            # A restored or copied spool: numbers were used that we do not know, and would be taken for duplicates.
            _LOG.warning("the server has batch %s, which is not ours: beginning a new epoch", committed.seq)
            self._spool.begin_epoch()
            self._sent_seq, self._known_seq = 0, self._spool.state().next_seq - 1
        elif self._spool.commit(committed.epoch, committed.seq):
            self._moved_at = self._clock()
            self.progress.committed_at, self.progress.committed_seq = time.time(), committed.seq

    def _shrink(self, entry: Entry) -> None:
        """Halve a batch that is too large: the second half goes to the end of the queue."""
        first, second = payload.halve(entry.payload)
        if second:
            self._spool.append(second)
        self._spool.replace(entry.seq, first)

    def _back_off(self, error: Exception) -> float:
        self._failures += 1
        first, longest = BACKOFF_SECONDS
        wait = min(first * 2.0 ** (min(self._failures, 16) - 1), longest)
        # Random, so that a fleet that was refused at once does not come back at once.
        wait *= random.uniform(0.5, 1.0)  # noqa: S311
        asked = getattr(error, "after", 0.0) * random.uniform(1.0, 1.5)  # noqa: S311
        if self.progress.error != str(error):
            _LOG.warning("batches wait: %s", error)
        self.progress.error = str(error)
        return max(wait, asked)


def _committed(answer: Answer) -> _Committed:
    try:
        return msgspec.json.decode(answer.body, type=_Accepted).committed
    except msgspec.MsgspecError:
        raise Refused(
            f"202 without a committed sequence number: {answer.body[:80]!r}; is this Diagnose?"
        ) from None


def _problem(answer: Answer) -> dict[str, Any]:
    try:
        return msgspec.json.decode(answer.body, type=dict[str, Any])
    except msgspec.MsgspecError:
        return {}


def _is_ours(answer: Answer) -> bool:
    """Any proxy may say 422; only our server's problem document means that the batch is kept over there."""
    return answer.headers.get("content-type", "").startswith("application/problem+json")


def _detail(answer: Answer) -> str:
    problem = _problem(answer)
    return str(problem.get("detail") or problem.get("title") or "no detail given")


def _refusal(answer: Answer) -> str:
    if answer.status == 401:
        return "401: the server does not know this token; enrol again with `diagnose-collector enroll`"
    if answer.status == 429:
        return "429: the server's queue is full, it asks to wait"
    if 300 <= answer.status < 400:
        return (
            f"{answer.status}: the server moved to {answer.headers.get('location', '?')}; set `server` to it"
        )
    return f"{answer.status}: {_detail(answer)}"


def _retry_after(answer: Answer) -> float:
    """Seconds only; a date there would need the clocks to agree."""
    text = answer.headers.get("retry-after", "")
    return min(float(text), MAX_RETRY_AFTER_SECONDS) if text.isdigit() else 0.0
