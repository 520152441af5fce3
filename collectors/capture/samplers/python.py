"""Samples the Python processes of this host all the time, a few times a second, within a share of one core.

A round is planned from what the processes do now. Each chosen process is then sampled for what runs (`cpu`), who
holds the interpreter lock (`gil`) and where all threads are (`wall`), one after the other.
"""

from __future__ import annotations

import logging
import selectors
import threading
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from collectors.capture import choose, shares, stacks
from collectors.capture.failures import CaptureError
from collectors.capture.plan import ROUND, Target, learned, plan
from collectors.capture.pyspy import Order, Recording, Run, program
from collectors.capture.sampler import Emit, Settings
from collectors.identity import Process
from collectors.probe import Metric, NoData
from collectors.wire import ProbeStatus

_LOG = logging.getLogger("diagnose.stacks")

# A process that could not be sampled is tried again after this; each failure in a row doubles it.
_RETRY_SECONDS, _RETRY_MOST_SECONDS = 30.0, 960.0
_REST_SECONDS = 2.0
_POLL_SECONDS = 0.25
_STOP_SECONDS = 5.0
_REASONS_SHOWN = 3


@dataclass(slots=True)
class _Lane:
    """One process on its way through a round; `run` is the py-spy at work on step `step`."""

    target: Target
    step: int = 0
    run: Run | None = None


@dataclass(frozen=True, slots=True)
class _Refusal:
    """Why a process could not be sampled, how often in a row, and when it is tried again (monotonic)."""

    reason: str
    failures: int
    until: float


class ContinuousPython:
    """`start` begins a thread that samples until `stop`. `status` may be asked from any thread."""

    NAME = "stacks.python"
    METRICS: tuple[Metric, ...] = shares.METRICS

    def __init__(self, settings: Settings) -> None:
        self._cpu_share = settings.cpu_share
        self._watch = choose.Watch(settings.denies, settings.proc)
        self._stopped = threading.Event()
        self._thread: threading.Thread | None = None
        self._cost_factors: dict[int, float] = {}
        self._sampled_at: dict[int, float] = {}
        self._refusals: dict[int, _Refusal] = {}
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
        """`seconds` is what py-spy has cost since this was last asked."""
        ok, reason = self._state
        total = self._cpu_seconds
        spent, self._cpu_seconds_told = total - self._cpu_seconds_told, total
        yield ProbeStatus(self.NAME, ok, reason, spent, 0)

    def _work(self, emit: Emit) -> None:
        while not self._stopped.is_set():
            sampled = False
            try:
                sampled = self._round(emit)
            except (CaptureError, NoData) as error:
                self._state = (False, str(error))
            except Exception:  # noqa: BLE001 - the thread's boundary: a defect is logged, and sampling goes on
                _LOG.exception("sampling failed")
                self._state = (False, "sampling failed; the collector's log has the reason")
            if not sampled:
                self._stopped.wait(_REST_SECONDS)

    def _round(self, emit: Emit) -> bool:
        """False when there was nobody to sample."""
        program()  # says that py-spy is missing even when there is nobody to sample
        targets = self._choose(time.monotonic())
        lanes = [_Lane(target) for target in targets]
        try:
            with selectors.DefaultSelector() as selector:
                for lane in lanes:
                    self._begin(lane, selector)
                while selector.get_map() and not self._stopped.is_set():
                    for key, _ in selector.select(_POLL_SECONDS):
                        self._attend(key.data, selector, emit)
        finally:
            for lane in lanes:
                if lane.run is not None:
                    lane.run.close()
        self._state = self._summary(targets)
        return bool(targets)

    def _choose(self, now: float) -> list[Target]:
        candidates = self._watch.look()
        present = {candidate.process.pid for candidate in candidates}
        for memory in (self._cost_factors, self._sampled_at, self._refusals):
            for pid in memory.keys() - present:
                del memory[pid]
        waited = {pid: now - self._sampled_at.setdefault(pid, now) for pid in present}
        willing = [
            candidate
            for candidate in candidates
            if candidate.process.pid not in self._refusals
            or self._refusals[candidate.process.pid].until <= now
        ]
        return plan(willing, self._cost_factors, waited, self._cpu_share)

    def _begin(self, lane: _Lane, selector: selectors.BaseSelector) -> None:
        kind, seconds = ROUND[lane.step]
        lane.run = Run(Order(lane.target.candidate.process.pid, kind, seconds, lane.target.hz))
        selector.register(lane.run, selectors.EVENT_READ, lane)

    def _attend(self, lane: _Lane, selector: selectors.BaseSelector, emit: Emit) -> None:
        """News of one py-spy: when it has ended, take what it has and begin the next step."""
        run, process = lane.run, lane.target.candidate.process
        if run is None or not run.poll():
            return
        selector.unregister(run)
        with run:
            self._cpu_seconds += run.cpu_seconds
            try:
                recording = run.recording()
            except CaptureError as error:
                self._refuse(process.pid, str(error))
                return
        self._learn(process.pid, recording)
        _tell(recording, process, emit)
        lane.step += 1
        if lane.step < len(ROUND):
            self._begin(lane, selector)

    def _learn(self, pid: int, recording: Recording) -> None:
        order = recording.order
        factor = self._cost_factors.get(pid, 1.0)
        self._cost_factors[pid] = learned(factor, order.seconds, order.hz, recording.cpu_seconds)
        self._sampled_at[pid] = time.monotonic()
        self._refusals.pop(pid, None)

    def _refuse(self, pid: int, reason: str) -> None:
        before = self._refusals.get(pid)
        failures = before.failures + 1 if before else 1
        rest = min(_RETRY_SECONDS * 2 ** (failures - 1), _RETRY_MOST_SECONDS)
        self._refusals[pid] = _Refusal(reason, failures, time.monotonic() + rest)

    def _summary(self, targets: Sequence[Target]) -> tuple[bool, str]:
        """Not ok when nobody could be sampled; the reasons of those that could not, in any case."""
        reasons = [refusal.reason for refusal in self._refusals.values()]
        more = f" And {len(reasons) - _REASONS_SHOWN} more." if len(reasons) > _REASONS_SHOWN else ""
        sampled = any(target.candidate.process.pid not in self._refusals for target in targets)
        return sampled or not reasons, " ".join(dict.fromkeys(reasons[:_REASONS_SHOWN])) + more


def _tell(recording: Recording, process: Process, emit: Emit) -> None:
    emit(stacks.to_wire([(process, recording)]))
    for points in shares.points(recording, process):
        emit(points)
