"""The agent's loop: one mailbox, one probe at a time, a batch to the spool every ten seconds.

Everything that waits (the network, captures, stack sampling, a probe's own reads) has its own thread and puts what
it has to say into the mailbox; only this loop decides.
"""

from __future__ import annotations

import logging
import os
import queue
import threading
import time
from collections.abc import Callable, Iterable, Iterator
from enum import Enum
from typing import Protocol

from collectors import __version__, payload
from collectors.budget import Budget, Overhead, measure
from collectors.commands import Commands
from collectors.config import Config
from collectors.gather import Gather
from collectors.probe import Host, Probe
from collectors.runner import Outcome, Runner
from collectors.schedule import Result, Schedule
from collectors.ship import Shipper
from collectors.spool import Spool
from collectors.state import AgentState, ProbeState, write_state
from collectors.wire import Event, ProbeStatus, Sample

_LOG = logging.getLogger("diagnose.agent")

PUSH_SECONDS = 10.0
# After the second reading of the counters, so that a new host shows rates at once.
FIRST_PUSH_SECONDS = 1.3
PROBE_SECONDS = 5.0
STATUS_REPEAT_SECONDS = 60.0
HELD_BYTES = 2 * 1024 * 1024


class Signal(Enum):
    """What threads and signal handlers tell the loop."""

    STOP = "stop"
    FLUSH = "flush"


class Sampler(Protocol):
    """Continuous stack sampling, on threads of its own."""

    def start(self, emit: Callable[[Sample], None]) -> None: ...
    def stop(self) -> None: ...
    def status(self) -> Iterator[ProbeStatus]: ...


class Agent:
    """`run` returns after `stop`, with everything gathered in the spool."""

    def __init__(
        self,
        config: Config,
        identity: str,
        probes: Iterable[Probe],
        spool: Spool,
        shipper: Shipper,
        sampler: Sampler | None,
        commands: Callable[[Callable[[Sample], None]], Commands],
    ) -> None:
        """`commands` makes the command loop, given where its captures' samples go."""
        now = time.monotonic()
        self._config, self._identity = config, identity
        self._spool, self._shipper, self._gather = spool, shipper, Gather()
        self._sampler, self._commands = sampler, commands(self.emit_now)
        self._mailbox: queue.SimpleQueue[Outcome | Signal] = queue.SimpleQueue()
        self._budget = Budget(config.cpu_percent, config.memory_bytes, now)
        overhead = Overhead(spool.state, lambda: self._budget.slowdown)
        self._schedule = Schedule([*probes, overhead], now)
        self._runner = Runner(self._gather.add, self._mailbox.put)
        self._running: tuple[Probe, float] | None = None
        self._reported: dict[str, tuple[bool, str, float]] = {}
        self._probes: dict[str, ProbeState] = {}
        self._started_at = time.time()
        self._dropped = 0
        self._next_push = now + FIRST_PUSH_SECONDS

    def run(self) -> None:
        """Collect until stopped."""
        self._start_threads()
        stopping = False
        while not stopping:
            now = time.monotonic()
            self._start_probe(now)
            try:
                message = self._mailbox.get(timeout=max(0.0, self._next_event() - now))
            except queue.Empty:
                message = None
            stopping = self._take(message, time.monotonic())
        self._stop_threads()
        self.flush()

    def stop(self) -> None:
        """May be called from a signal handler: SimpleQueue.put is re-entrant."""
        self._mailbox.put(Signal.STOP)

    def emit_now(self, sample: Sample) -> None:
        """Keep a capture's sample and send it without waiting for the next push."""
        self._gather.add("capture", sample)
        self._mailbox.put(Signal.FLUSH)

    def flush(self) -> None:
        """Move what was gathered into the spool and let the shipper know."""
        self._report_losses()
        for part in payload.split(self._gather.take()):
            self._spool.append(part)
        self._shipper.wake()
        self._write_state()

    def _start_threads(self) -> None:
        threading.Thread(target=self._shipper.run, name="ship", daemon=True).start()
        threading.Thread(target=self._commands.run, name="commands", daemon=True).start()
        if self._sampler is not None:
            self._sampler.start(lambda sample: self._gather.add("stacks", sample))

    def _stop_threads(self) -> None:
        self._commands.stop()
        if self._sampler is not None:
            self._sampler.stop()
        self._shipper.stop()

    def _next_event(self) -> float:
        if self._running is not None:
            return min(self._running[1], self._next_push)
        return min(self._schedule.next_due(), self._next_push)

    def _start_probe(self, now: float) -> None:
        if self._running is None and (probe := self._schedule.pop_due(now)) is not None:
            self._running = (probe, now + PROBE_SECONDS)
            self._runner.start(probe, Host(self._config.proc, self._config.sys, time.time_ns()))

    def _take(self, message: Outcome | Signal | None, now: float) -> bool:
        """Act on one message and on the time; returns whether to stop."""
        if isinstance(message, Outcome):
            self._finished(message, now)
        elif message is Signal.FLUSH:
            self.flush()
        if self._running is not None and now >= self._running[1]:
            self._give_up(self._running[0])
        if now >= self._next_push or self._gather.held_bytes > HELD_BYTES:
            self._push(now)
        return message is Signal.STOP

    def _push(self, now: float) -> None:
        self._next_push = now + PUSH_SECONDS
        slowdown = self._budget.observe(measure(), now)
        if slowdown != self._schedule.slowdown:
            _LOG.info("collector at %.1f %% of a core: intervals ×%.2g", 100 * self.cpu_share, slowdown)
        self._schedule.slowdown = slowdown
        if self._sampler is not None:
            for status in self._sampler.status():
                self._report(status, now)
        self.flush()

    @property
    def cpu_share(self) -> float:
        """Of one core, samplers included; 0 until it is known."""
        return self._budget.cpu_share or 0.0

    def _finished(self, outcome: Outcome, now: float) -> None:
        if not outcome.late:
            self._running = None
            self._report_outcome(outcome, now)
        # A late one was reported when it was given up; only now may its probe run again.
        result = Result.TIMED_OUT if outcome.late else outcome.result
        self._schedule.done(outcome.probe, result, now)

    def _give_up(self, probe: Probe) -> None:
        self._runner.abandon()
        self._running = None
        reason = f"did not come back within {PROBE_SECONDS:.0f} s; it is left alone until it does"
        _LOG.error("probe %s %s", probe.NAME, reason)
        self._report_outcome(Outcome(probe.NAME, Result.TIMED_OUT, reason, 0.0), time.monotonic())

    def _report_outcome(self, outcome: Outcome, now: float) -> None:
        self._gather.count_run(outcome.probe)
        ok = outcome.result is Result.OK
        self._report(ProbeStatus(outcome.probe, ok, outcome.reason, outcome.cpu_seconds, 0), now)

    def _report(self, status: ProbeStatus, now: float) -> None:
        """Send a status when it is news, else once a minute."""
        self._probes[status.probe] = ProbeState(status.ok, status.reason, status.seconds)
        ok, reason, at = self._reported.get(status.probe, (True, "", -STATUS_REPEAT_SECONDS))
        if (ok, reason) != (status.ok, status.reason) or now - at >= STATUS_REPEAT_SECONDS:
            self._reported[status.probe] = (status.ok, status.reason, now)
            self._gather.add(status.probe, status)

    def _report_losses(self) -> None:
        dropped = self._spool.state().dropped
        if dropped > self._dropped:
            fields = {"batches": str(dropped - self._dropped)}
            self._gather.add("agent", Event("spool_dropped_batches", time.time_ns(), fields))
        self._dropped = dropped

    def _write_state(self) -> None:
        spool, progress = self._spool.state(), self._shipper.progress
        state = AgentState(
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
            rss_bytes=measure().rss_bytes,
            slowdown=self._budget.slowdown,
            probes=dict(self._probes),
        )
        try:
            write_state(self._config.state_dir, state)
        except OSError as error:
            _LOG.warning("cannot write %s/status.json: %s", self._config.state_dir, error.strerror)
