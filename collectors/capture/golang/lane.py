"""Reads one Go program round after round: its CPU for half of each minute, then what it holds and waits for.

What has been counted since the program began is told as what it rose by, restarts of the program included.
"""

from __future__ import annotations

import logging
import threading
import time
from pathlib import Path

from collectors.capture import claims
from collectors.capture.failures import CaptureError
from collectors.capture.golang import profiles
from collectors.capture.golang.endpoint import Busy, Endpoint, Pull, alone
from collectors.capture.golang.profiles import Served, Value
from collectors.capture.sampler import Emit
from collectors.formats import pprof
from collectors.formats.profile import BadProfile, Profile
from collectors.formats.stacks import Increases, Span, to_wire, values_of
from collectors.kernel import procfs
from collectors.probe import Metric
from collectors.readings import gauge

_LOG = logging.getLogger("diagnose.stacks")

METRICS = (Metric("go_goroutines", "", "Goroutines of a program that serves profiles.", ("pid", "service")),)
ROUND_SECONDS = 60.0
# Go's sampler interrupts a busy CPU a hundred times a second, for some microseconds each.
CPU_SECONDS = 30
_AFTER = (profiles.HEAP, profiles.GOROUTINE, profiles.MUTEX, profiles.BLOCK)
# What takes a program long to write is read the more seldom, so that it takes at most this share of its time.
_MOST_WRITING_SHARE = 0.01
_RETRY_MOST_SECONDS = 960.0


class Lane:
    """Begins at once. `endpoint` may be renewed: the same address, served by another process."""

    def __init__(self, endpoint: Endpoint, emit: Emit, proc: Path) -> None:
        self.endpoint = endpoint
        self.reason = ""
        self.cpu_seconds = 0.0
        self._emit, self._proc = emit, proc
        self._increases: dict[Value, Increases] = {}
        self._read_ns: dict[Served, int] = {}
        self._due: dict[Served, float] = {}
        self._process: tuple[int, int] | None = None
        self._stopped = threading.Event()
        self._pull: Pull | None = None
        self.thread = threading.Thread(target=self._work, name="go-lane", daemon=True)
        self.thread.start()

    def stop(self) -> None:
        self._stopped.set()
        pull = self._pull
        if pull is not None:
            pull.end()

    def _work(self) -> None:
        failures = 0
        while not self._stopped.is_set():
            began = time.monotonic()
            read, reasons = self._round()
            failures = failures + 1 if reasons and not read else 0
            self.reason = " ".join(dict.fromkeys(reasons))
            pause = min(ROUND_SECONDS * 2 ** max(0, failures - 1), _RETRY_MOST_SECONDS)
            self._stopped.wait(max(ROUND_SECONDS / 10, pause - (time.monotonic() - began)))

    def _round(self) -> tuple[int, list[str]]:
        """How many profiles were read, and why others could not be."""
        reasons: list[str] = []
        read = 0
        for served in (profiles.CPU, *_AFTER):
            if self._stopped.is_set() or self._due.get(served, 0.0) > time.monotonic():
                continue
            before = time.thread_time()
            try:
                self._read(served)
                read += 1
            except Busy:
                continue
            except (CaptureError, BadProfile) as error:
                reasons.append(str(error))
            except Exception:  # noqa: BLE001 - the thread's boundary: a defect is logged, and the others go on
                _LOG.exception("reading %s of %s failed", served.path, self.endpoint.url)
                reasons.append(f"reading {served.path} failed; the collector's log has the reason")
            self.cpu_seconds += time.thread_time() - before
        return read, [] if self._stopped.is_set() else reasons

    def _read(self, served: Served) -> None:
        endpoint, seconds = self.endpoint, CPU_SECONDS if served is profiles.CPU else 0
        path = f"{served.path}?seconds={seconds}" if seconds else served.path
        self._begin_anew_after_restart(endpoint)
        if seconds and endpoint.pid is not None:
            claims.claim(endpoint.pid, 2 * ROUND_SECONDS)
        began, began_ns = time.monotonic(), time.time_ns()
        with alone(endpoint) as pull:
            self._pull = pull
            try:
                data = pull.fetch(path, seconds)
            finally:
                self._pull = None
        writing_seconds = time.monotonic() - began - seconds
        self._due[served] = time.monotonic() + writing_seconds / _MOST_WRITING_SHARE
        profile = pprof.read(data)
        start_ns = began_ns if seconds else self._read_ns.get(served, began_ns)
        self._read_ns[served] = time.time_ns()
        self._tell(served, profile, Span(endpoint.service, endpoint.labels, start_ns, self._read_ns[served]))

    def _begin_anew_after_restart(self, endpoint: Endpoint) -> None:
        """Where the process is known not to be the one that was read before, all that it has counted is new."""
        before = self._process
        self._process = (endpoint.pid, endpoint.start_ticks) if endpoint.pid is not None else None
        if self._process is not None and not self._lives(*self._process):
            self._process = None  # which process it is now is not known yet
        if before is not None and before != self._process:
            for increases in self._increases.values():
                increases.begin_anew()

    def _lives(self, pid: int, start_ticks: int) -> bool:
        stat = procfs.stat(self._proc, pid)
        return stat is not None and stat.start_ticks == start_ticks

    def _tell(self, served: Served, profile: Profile, span: Span) -> None:
        for value in served.values:
            values: list[int] | None = values_of(profile, value.meaning)
            if served is profiles.GOROUTINE:
                labels = {**span.labels, "service": span.service}
                self._emit(gauge("go_goroutines", span.end_ns, sum(values or ()), labels))
            if value.cumulative:
                values = self._increases.setdefault(value, Increases()).of(profile, values or [])
            if values is not None and any(values):
                self._emit(to_wire(profile, values, value.meaning, span))
