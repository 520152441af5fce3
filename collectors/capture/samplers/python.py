"""Samples the Python processes of this host all the time, a few times a second, within shares of one core.

Each service that has its turn is sampled for a round: what runs (`cpu`), who holds the interpreter lock (`gil`), where
all threads are (`wall`). A service gets SERVICE_SHARE, all together `cpu_share` of a core and `memory_bytes`. Where
that does not do, it gives up in this order, always by what was measured: rates, down to one look a second; time,
by pauses between the rounds of a service; services at once, which then take turns.
"""

from __future__ import annotations

import logging
import select
import threading
import time
from collections.abc import Iterator

from collectors.capture import choose
from collectors.capture.confine import Confinement
from collectors.capture.failures import CaptureError
from collectors.capture.lane import Lane
from collectors.capture.pyspy import program
from collectors.capture.roster import Roster
from collectors.capture.sampler import Emit, Settings
from collectors.capture.shares import METRICS
from collectors.probe import Metric, NoData
from collectors.wire import ProbeStatus

_LOG = logging.getLogger("diagnose.stacks")

# How often it looks for processes, which costs some milliseconds.
_LOOK_SECONDS = 5.0
# What a py-spy takes at most as long as it reads symbols; with 8 threads it takes 5 MiB then.
_RUN_BYTES = 12 * 1024 * 1024
_POLL_SECONDS = 0.2
_STOP_SECONDS = 5.0
_REASONS_SHOWN = 3


class ContinuousPython:
    """`start` begins a thread that samples until `stop`. `status` may be asked from any thread."""

    NAME = "stacks.python"
    METRICS: tuple[Metric, ...] = METRICS

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._roster = Roster(choose.Watch(settings.denies, settings.proc), settings.cpu_share)
        self._stopped = threading.Event()
        self._thread: threading.Thread | None = None
        self._lanes: list[Lane] = []
        self._state = (True, "")
        self._cpu_seconds = self._cpu_seconds_told = 0.0

    def start(self, emit: Emit) -> None:
        self._thread = threading.Thread(target=self._work, args=(emit,), name="stacks", daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """Returns when no py-spy of ours runs any more."""
        self._stopped.set()
        if self._thread is not None:
            self._thread.join(_STOP_SECONDS)

    def status(self) -> Iterator[ProbeStatus]:
        """`seconds` is what sampling has cost since this was last asked."""
        ok, reason = self._state
        total = self._cpu_seconds
        spent, self._cpu_seconds_told = total - self._cpu_seconds_told, total
        yield ProbeStatus(self.NAME, ok, reason, spent, 0)

    def _work(self, emit: Emit) -> None:
        settings = self._settings
        confinement = Confinement(settings.cpu_share, settings.memory_bytes, settings.proc, settings.sys)
        while not self._stopped.is_set():
            try:
                self._sample(emit, confinement)
            except (CaptureError, NoData) as error:
                self._state = (False, str(error))
            except Exception:  # noqa: BLE001 - the thread's boundary: a defect is logged, and sampling goes on
                _LOG.exception("sampling failed")
                self._state = (False, "sampling failed; the collector's log has the reason")
            for lane in self._lanes:
                lane.close()
            self._lanes.clear()
            self._stopped.wait(_LOOK_SECONDS)
        confinement.remove()

    def _sample(self, emit: Emit, confinement: Confinement) -> None:
        """Until it is stopped."""
        program()  # says that py-spy is missing even when there is nobody to sample
        next_look = 0.0
        while not self._stopped.is_set():
            now, began = time.monotonic(), time.thread_time()
            if now >= next_look:
                next_look = now + _LOOK_SECONDS
                self._keep_to_memory()
                self._begin_rounds(now, confinement)
                self._state = self._summary(confinement)
            for lane in list(self._lanes):
                self._attend(lane, emit)
            own_seconds = time.thread_time() - began
            self._roster.paid_beside(now, own_seconds)
            self._cpu_seconds += own_seconds
            self._wait()

    def _wait(self) -> None:
        """For news of a py-spy, or a moment: how long a run lasted is measured when its end is seen."""
        waiting = select.poll()  # select.select refuses descriptors above 1023
        for lane in self._lanes:
            waiting.register(lane, select.POLLIN | select.POLLHUP)
        waiting.poll(_POLL_SECONDS * 1000)

    def _begin_rounds(self, now: float, confinement: Confinement) -> None:
        for process, hz in self._roster.next_up(now, [lane.process.service for lane in self._lanes]):
            expected = sum(max(_RUN_BYTES, lane.resident_bytes()) for lane in self._lanes) + _RUN_BYTES
            if self._lanes and expected > self._settings.memory_bytes:
                return
            self._lanes.append(Lane(process, hz, confinement, self._settings.proc))
            self._roster.begun(process, hz, now)

    def _keep_to_memory(self) -> None:
        """Give up the largest py-spy when all together take more than they may."""
        sizes = {lane: lane.resident_bytes() for lane in self._lanes}
        most = self._settings.memory_bytes
        if sum(sizes.values()) > most:
            lane = max(sizes, key=sizes.__getitem__)
            self._roster.refuse(
                lane.process.pid,
                f"py-spy took {sizes[lane] >> 20} MiB for process {lane.process.pid}; the samplers may take "
                f"{most >> 20} MiB together. Raise stacks.memory.",
            )
            self._end_round(lane)

    def _attend(self, lane: Lane, emit: Emit) -> None:
        """When a py-spy has ended, take what it has and begin the next step; else look at the threads meanwhile."""
        process = lane.process
        lane.look()
        try:
            recording = lane.finished_step()
            if recording is None:
                return
            self._roster.learn(recording)
            self._roster.welcome(process.pid)
            for sample in lane.samples(recording):
                emit(sample)
            if lane.begin_next_step():
                return
            for sample in lane.closing_samples(recording.end_ns):
                emit(sample)
        except CaptureError as error:
            self._roster.refuse(process.pid, str(error))
        self._end_round(lane)

    def _end_round(self, lane: Lane) -> None:
        lane.close()
        self._lanes.remove(lane)
        self._cpu_seconds += lane.sampler_seconds
        self._roster.paid(lane.process, lane.began, lane.sampler_seconds)

    def _summary(self, confinement: Confinement) -> tuple[bool, str]:
        """Not ok when nobody can be sampled; who takes turns, and the reasons of those that cannot, in any case."""
        reasons = list(dict.fromkeys(self._roster.reasons()))
        words = [
            self._roster.turns([lane.process.service for lane in self._lanes]),
            *reasons[:_REASONS_SHOWN],
        ]
        if len(reasons) > _REASONS_SHOWN:
            words.append(f"And {len(reasons) - _REASONS_SHOWN} more.")
        if confinement.reason and self._lanes:
            words.append(f"The samplers have {confinement.reason}; their budget is kept by measuring.")
        return not self._roster.all_refused, " ".join(filter(None, words))
