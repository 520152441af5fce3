"""Samples everything that runs on this host, the kernel included, all the time, within a share of one core.

What is Python is left to its own sampler, which names lines, and so are Go programs that are asked for their profiles:
the same time must not count twice in a flame graph.
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Iterator

from collectors import spent, wire
from collectors.capture import claims
from collectors.capture.interned import Interned
from collectors.capture.native import stacks
from collectors.capture.native.counted import Count, Counted
from collectors.capture.native.pace import Pace
from collectors.capture.native.profiles import Owner, Span, to_wire
from collectors.capture.native.symbols import Symbols
from collectors.capture.sampler import Emit, Settings
from collectors.kernel import procfs
from collectors.probe import Metric, NoData
from collectors.probes.ebpf.services import ENDED, KERNEL
from collectors.processes import identity
from collectors.wire import Points, ProbeStatus

_LOG = logging.getLogger("diagnose.stacks")

# A process that ends within this may be gone before its addresses can be named.
DRAIN_SECONDS = 2.0
TELL_SECONDS = 10.0
_RETRY_SECONDS = 60.0
_STOP_SECONDS = 3.0


class ContinuousNative:
    """`start` begins a thread that samples until `stop`. `status` may be asked from any thread."""

    NAME = "stacks.native"
    METRICS: tuple[Metric, ...] = (
        Metric(
            "native_sampling_hz", "Hz", "How often each CPU was looked at, to see who runs on it and where."
        ),
        Metric(
            "native_lost_samples_total",
            "",
            "Looks at a CPU that could not be counted: the kernel's tables were full.",
            counter=True,
        ),
    )

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._pace = Pace(settings.cpu_share)
        self._stopped = threading.Event()
        self._thread: threading.Thread | None = None
        self._state = (True, "")
        self._cpu_seconds = self._cpu_seconds_told = 0.0

    def start(self, emit: Emit) -> None:
        self._thread = threading.Thread(target=self._work, args=(emit,), name="stacks-native", daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """Returns when nothing of ours hangs on the kernel any more."""
        self._stopped.set()
        if self._thread is not None:
            self._thread.join(_STOP_SECONDS)

    def status(self) -> Iterator[ProbeStatus]:
        """`seconds` is what draining and naming has cost since this was last asked."""
        ok, reason = self._state
        total = self._cpu_seconds
        news, self._cpu_seconds_told = total - self._cpu_seconds_told, total
        yield ProbeStatus(self.NAME, ok, reason, news, 0)

    def _work(self, emit: Emit) -> None:
        while not self._stopped.is_set():
            try:
                with Counted("oncpu") as counted:
                    self._sample(counted, emit)
            except NoData as error:
                self._state = (False, str(error))
            except Exception:  # noqa: BLE001 - the thread's boundary: a defect is logged, and sampling goes on
                _LOG.exception("native sampling failed")
                self._state = (False, "sampling failed; the collector's log has the reason")
            self._stopped.wait(_RETRY_SECONDS)

    def _sample(self, counted: Counted, emit: Emit) -> None:
        symbols, lost = Symbols(self._settings.proc), 0
        counted.tick(self._pace.hz)
        while not self._stopped.is_set():
            hz, interval = self._pace.hz, _Interval(self._settings, symbols)
            while interval.seconds < TELL_SECONDS and not self._stopped.wait(DRAIN_SECONDS):
                interval.add(counted.drain())
            for sample in interval.told(hz):
                emit(sample)
            lost, before = counted.lost(), lost
            emit(
                Points(
                    "native_lost_samples_total", {}, [interval.end_ns], [float(lost - before)], counter=True
                )
            )
            total = spent.account()
            self._pace.learn(total - self._cpu_seconds, interval.samples, interval.seconds)
            self._cpu_seconds, self._state = total, (True, "")
            if self._pace.hz != hz:
                counted.tick(self._pace.hz)


class _Interval:
    """What was counted in about ten seconds, by owner."""

    def __init__(self, settings: Settings, symbols: Symbols) -> None:
        self._settings, self._symbols = settings, symbols
        self._found: dict[Owner, Interned] = {}
        self._began, self._start_ns = time.monotonic(), time.time_ns()
        self.samples = 0

    @property
    def seconds(self) -> float:
        return time.monotonic() - self._began

    @property
    def end_ns(self) -> int:
        return self._start_ns + round(self.seconds * 1e9)

    def add(self, counts: list[Count]) -> None:
        owners: dict[int, Owner | None] = {}
        for count in counts:
            self.samples += count.times
            if count.pid not in owners:
                owners[count.pid] = self._owner(count.pid)
            owner = owners[count.pid]
            if owner is not None:
                self._add(owner, count)

    def _add(self, owner: Owner, count: Count) -> None:
        process = self._symbols.process(owner.pid) if owner.pid else None
        frames = stacks.of_user(process, count.user) + stacks.of_kernel(self._symbols, count.kernel)
        thread = stacks.named_thread(count.thread, owner.service == KERNEL)
        self._found.setdefault(owner, Interned()).add(frames, thread, count.times, "active")

    def _owner(self, pid: int) -> Owner | None:
        """None for those whose stacks are not taken: others tell Python's and some of Go's, and the owner may deny."""
        stat = procfs.stat(self._settings.proc, pid)
        if stat is None:
            return Owner(ENDED)
        if stat.kernel:
            return Owner(KERNEL)
        process = identity.describe(stat, self._settings.proc)
        told_by_others = process.runtime.startswith("python") or claims.is_claimed(pid)
        if told_by_others or self._settings.denies(process):
            return None
        return Owner(process.service, pid)

    def told(self, hz: int) -> Iterator[wire.Sample]:
        span = Span(self._start_ns, self.end_ns, round(1e9 / hz))
        for owner, found in self._found.items():
            yield to_wire("cpu", owner, found, span)
        yield Points("native_sampling_hz", {}, [span.end_ns], [float(hz)])
