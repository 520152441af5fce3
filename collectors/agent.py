"""The agent's loop: one mailbox, one probe at a time, a batch to the spool every ten seconds.

Everything that waits (the network, the disk, captures, stack sampling, a probe's own reads) has its own thread; only
this loop decides what runs.
"""

from __future__ import annotations

import logging
import os
import queue
import threading
import time
from collections.abc import Callable, Iterable, Iterator
from typing import Protocol

from collectors import __version__
from collectors.budget import Budget, Overhead, measure
from collectors.config import Config
from collectors.delivery.outbox import Outbox
from collectors.delivery.ship import Progress
from collectors.delivery.spool import Spool
from collectors.probe import Host, Probe, Resting
from collectors.runner import Outcome, Runner
from collectors.schedule import Result, Schedule
from collectors.state import AgentState, ProbeState
from collectors.wire import ProbeStatus, Sample

_LOG = logging.getLogger("diagnose.agent")

PUSH_SECONDS = 10.0
# A new host is there at once, and shows rates so long after it: counters have been read twice by then.
FIRST_PUSH_SECONDS, SECOND_PUSH_SECONDS = 0.1, 1.1
PROBE_SECONDS = 5.0
STATUS_REPEAT_SECONDS = 60.0
# Leaving takes two seconds at most, also when the disk hangs.
STOP_SECONDS = 1.0
HELD_BYTES = 2 * 1024 * 1024


class Sampler(Protocol):
    """Continuous stack sampling, on threads of its own."""

    def start(self, emit: Callable[[Sample], None]) -> None: ...
    def stop(self) -> None: ...
    def status(self) -> Iterator[ProbeStatus]: ...


class Sender(Protocol):
    """Who takes what the spool holds; `run` returns after `stop`."""

    progress: Progress

    def wake(self) -> None: ...
    def run(self) -> None: ...
    def stop(self) -> None: ...


class Listener(Protocol):
    """Who hears what the server asks for; `run` returns after `stop`."""

    error: str

    def run(self) -> None: ...
    def stop(self) -> None: ...


class Agent:
    """`run` returns after `stop`, with everything gathered in the spool."""

    def __init__(
        self,
        config: Config,
        identity: str,
        probes: Iterable[Probe],
        spool: Spool,
        shipper: Sender,
        sampler: Sampler | None,
        commands: Callable[[Callable[[Sample], None]], Listener],
    ) -> None:
        """`commands` makes the command loop, given where its captures' samples go."""
        now = time.monotonic()
        self._config, self._identity = config, identity
        self._spool, self._shipper, self._sampler = spool, shipper, sampler
        self._outbox = Outbox(spool, shipper.wake, config.state_dir, self._describe)
        self._commands = commands(self._outbox.add_now)
        self._mailbox: queue.SimpleQueue[Outcome | None] = queue.SimpleQueue()
        self._budget = Budget(config.cpu_percent, config.memory_bytes, now)
        overhead = Overhead(spool.state, self._budget)
        self._schedule = Schedule([*probes, overhead], now)
        self._runner = Runner(self._outbox.add, self._mailbox.put)
        self._running: tuple[Probe, float] | None = None
        self._reported: dict[str, tuple[bool, str, float]] = {}
        self._probes: dict[str, ProbeState] = {}
        self._started_at = time.time()
        self._stopping = False
        self._next_push, self._pause_seconds = now + FIRST_PUSH_SECONDS, SECOND_PUSH_SECONDS

    def run(self) -> None:
        """Collect until stopped."""
        self._start_threads()
        while not self._stopping:
            try:
                self._turn()
            except Exception:  # noqa: BLE001 — the loop must go on
                _LOG.exception("unexpected error; the collector goes on")
                time.sleep(1.0)
        self._stop_threads()

    def stop(self) -> None:
        """May be called from a signal handler: SimpleQueue.put is re-entrant."""
        self._stopping = True
        self._mailbox.put(None)

    def _start_threads(self) -> None:
        for name, run in (("ship", self._shipper.run), ("commands", self._commands.run)):
            _start(name, run)
        self._writer = _start("outbox", self._outbox.run)
        if self._sampler is not None:
            self._sampler.start(lambda sample: self._outbox.add("stacks", sample))

    def _stop_threads(self) -> None:
        self._commands.stop()
        self._outbox.close()
        self._writer.join(STOP_SECONDS)
        self._shipper.stop()
        if self._sampler is not None:
            self._sampler.stop()

    def _turn(self) -> None:
        now = time.monotonic()
        self._start_probe(now)
        try:
            outcome = self._mailbox.get(timeout=max(0.0, self._next_event() - now))
        except queue.Empty:
            outcome = None
        now = time.monotonic()
        if outcome is not None:
            self._finished(outcome, now)
        if self._running is not None and now >= self._running[1]:
            self._give_up(self._running[0])
        if now >= self._next_push:
            self._push(now)
        elif self._outbox.held_bytes > HELD_BYTES:
            self._outbox.flush_soon()

    def _next_event(self) -> float:
        if self._running is not None:
            return min(self._running[1], self._next_push)
        return min(self._schedule.next_due(), self._next_push)

    def _start_probe(self, now: float) -> None:
        if self._running is None and (probe := self._schedule.pop_due(now)) is not None:
            self._running = (probe, now + PROBE_SECONDS)
            self._runner.start(probe, Host(self._config.proc, self._config.sys, time.time_ns()))

    def _push(self, now: float) -> None:
        self._next_push, self._pause_seconds = now + self._pause_seconds, PUSH_SECONDS
        slowdown = self._budget.observe(measure(), now)
        if slowdown != self._schedule.slowdown:
            _LOG.info("collector at %.1f %% of a core: intervals ×%.2g", 100 * self.cpu_share, slowdown)
        self._schedule.slowdown = slowdown
        for name in self._schedule.suspend(self._budget.suspended):
            self._rest(name, now)
        if self._sampler is not None:
            for status in self._sampler.status():
                self._report(status, now)
        for name in self._config.disabled_probes:
            reason = f"switched off on this host: [probes] {name}, its variable or its flag says so"
            self._report(ProbeStatus(name, False, reason, 0.0, 0), now)
        self._outbox.flush_soon()

    @property
    def cpu_share(self) -> float:
        """Of one core; 0 until it is known."""
        return self._budget.cpu_share or 0.0

    def _finished(self, outcome: Outcome, now: float) -> None:
        if self._running is not None and outcome.probe == self._running[0].NAME:
            self._running = None
            if not self._schedule.rests(
                outcome.probe
            ):  # it was told so while it ran, which must not be overwritten
                self._report_outcome(outcome, now)
            self._schedule.done(outcome.probe, outcome.result, now, outcome.cpu_seconds)
        else:  # was given up and reported then; only now may its probe run again
            self._schedule.done(outcome.probe, Result.TIMED_OUT, now)

    def _give_up(self, probe: Probe) -> None:
        self._runner.abandon()
        self._running = None
        reason = f"did not come back within {PROBE_SECONDS:.0f} s; it is left alone until it does"
        _LOG.error("probe %s %s", probe.NAME, reason)
        self._report_outcome(Outcome(probe.NAME, Result.TIMED_OUT, reason, 0.0), time.monotonic())

    def _rest(self, name: str, now: float) -> None:
        reason = (
            f"rests: the collector is above its budget of {self._config.cpu_percent:g} % of a core or "
            f"{self._config.memory_bytes // 2**20} MiB; raise budget.cpu_percent or budget.memory, or disable probes"
        )
        _LOG.warning("probe %s %s", name, reason)
        if isinstance(probe := self._schedule.named(name), Resting):
            probe.rest()
        self._report(ProbeStatus(name, False, reason, 0.0, 0), now)

    def _report_outcome(self, outcome: Outcome, now: float) -> None:
        self._outbox.count_run(outcome.probe)
        ok = outcome.result is Result.OK
        self._report(ProbeStatus(outcome.probe, ok, outcome.reason, outcome.cpu_seconds, 0), now)

    def _report(self, status: ProbeStatus, now: float) -> None:
        """Send a status when it is news, else once a minute."""
        self._probes[status.probe] = ProbeState(status.ok, status.reason, status.seconds)
        ok, reason, at = self._reported.get(status.probe, (True, "", -STATUS_REPEAT_SECONDS))
        if (ok, reason) != (status.ok, status.reason) or now - at >= STATUS_REPEAT_SECONDS:
            self._reported[status.probe] = (status.ok, status.reason, now)
            self._outbox.add(status.probe, status)

    def _describe(self) -> AgentState:
        spool, progress = self._spool.state(), self._shipper.progress
        return AgentState(
            version=__version__,
            pid=os.getpid(),
            server=self._config.server,
            identity=self._identity,
            started_at=self._started_at,
            written_at=time.time(),
            epoch=spool.epoch,
            spool_batches=spool.batches,
            spool_bytes=spool.bytes,
            dropped_batches=spool.dropped,
            disk_error=spool.disk_error,
            sent_at=progress.sent_at,
            committed_at=progress.committed_at,
            committed_seq=progress.committed_seq,
            quarantined=progress.quarantined,
            ship_error=progress.error,
            commands_error=self._commands.error,
            cpu_share=self.cpu_share,
            rss_bytes=measure().agent_rss_bytes,
            slowdown=self._budget.slowdown,
            probes=dict(self._probes),
        )


def _start(name: str, run: Callable[[], None]) -> threading.Thread:
    thread = threading.Thread(target=_keep_running, args=(run,), name=name, daemon=True)
    thread.start()
    return thread


def _keep_running(run: Callable[[], None]) -> None:
    while True:
        try:
            run()
            return
        except Exception:  # noqa: BLE001 — these loops are the agent's too
            _LOG.exception("unexpected error; the collector goes on")
            time.sleep(1.0)
