"""Runs one probe at a time on a worker thread, so that nothing a probe does can take the agent down.

Python cannot end a thread that hangs in the kernel. Such a worker is left behind and replaced; what it still
yields is thrown away, because its time stamps are those of a pass long over.
"""

from __future__ import annotations

import logging
import queue
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass

from collectors.probe import Host, NoData, NotYet, Probe
from collectors.schedule import Result
from collectors.wire import Sample

_LOG = logging.getLogger("diagnose.probe")


@dataclass(frozen=True, slots=True)
class Outcome:
    """How a run went."""

    probe: str
    result: Result
    reason: str
    cpu_seconds: float


@dataclass(slots=True)
class _Run:
    probe: Probe
    host: Host
    abandoned: bool = False


Emit = Callable[[str, Sample], None]
_Jobs = queue.SimpleQueue[_Run | None]


class Runner:
    """`emit` and `finished` are called on the worker's thread."""

    def __init__(self, emit: Emit, finished: Callable[[Outcome], None]) -> None:
        self._emit = emit
        self._finished = finished
        self._jobs: _Jobs | None = None
        self._run: _Run | None = None

    def start(self, probe: Probe, host: Host) -> None:
        """Hand a probe to the worker; `finished` tells when it is through."""
        if self._jobs is None:
            self._jobs = queue.SimpleQueue()
            threading.Thread(target=self._work, args=(self._jobs,), name="probes", daemon=True).start()
        self._run = _Run(probe, host)
        self._jobs.put(self._run)

    def abandon(self) -> None:
        """Give the present run up; the next `start` gets a fresh worker."""
        if self._run is not None and self._jobs is not None:
            self._run.abandoned = True
            self._jobs.put(None)
        self._jobs = None

    def _work(self, jobs: _Jobs) -> None:
        while (run := jobs.get()) is not None:
            self._finished(self._collect(run))

    def _collect(self, run: _Run) -> Outcome:
        name = run.probe.NAME
        started = time.thread_time()
        result, reason = Result.OK, ""
        try:
            for sample in run.probe.collect(run.host):
                if run.abandoned:
                    break
                self._emit(name, sample)
        except NoData as error:
            result, reason = Result.NOT_YET if isinstance(error, NotYet) else Result.NO_DATA, str(error)
        except Exception as error:  # noqa: BLE001 — a probe's defect must not take the agent down
            _LOG.exception("probe %s failed", name)
            result, reason = Result.FAILED, f"{type(error).__name__}: {error}"
        return Outcome(name, result, reason, time.thread_time() - started)
