"""Who is sampled next, by what was measured so far: costs, pauses, turns and refusals of the processes of this host."""

from __future__ import annotations

import time
from collections import defaultdict
from collections.abc import Collection
from dataclasses import dataclass

from collectors.capture import plan
from collectors.capture.choose import Candidate, Watch
from collectors.capture.pace import Pace
from collectors.capture.pyspy import Kind, Recording
from collectors.capture.turns import in_turn
from collectors.processes.identity import Process

# A process that could not be sampled is tried again after this; each failure in a row doubles it.
_RETRY_SECONDS, _RETRY_MOST_SECONDS = 30.0, 960.0
# What all may have spent ahead: rounds that began together are paid for together.
_AHEAD_SECONDS = 5.0
_NAMES_SHOWN = 3


@dataclass(frozen=True, slots=True)
class Refusal:
    """Why a process could not be sampled, how often in a row, and when it is tried again (monotonic)."""

    reason: str
    failures: int
    until: float


class Roster:
    """`cpu_share` of one core for all; of that each service gets SERVICE_SHARE at most."""

    def __init__(self, watch: Watch, cpu_share: float) -> None:
        self.places = plan.places(cpu_share)
        self._watch = watch
        self._cpu_share = cpu_share
        self._pace = Pace(cpu_share)
        self._paces: defaultdict[str, Pace] = defaultdict(lambda: Pace(min(plan.SERVICE_SHARE, cpu_share)))
        self._factors: defaultdict[int, dict[Kind, float]] = defaultdict(dict)
        self._threads: dict[int, int] = {}
        self._expected: dict[int, float] = {}
        self._sampled_at: dict[int, float] = {}
        self._refusals: dict[int, Refusal] = {}
        self._services: set[str] = set()

    def next_up(self, now: float, taken: Collection[str]) -> list[tuple[Process, int]]:
        """Whose round may begin now and how often a second to look, most urgent first. NoData without /proc.

        `taken`: the services whose round goes on.
        """
        candidates = self._watch.look()
        self._forget_others(candidates, now)
        if self._pace.rest_seconds(now) > _AHEAD_SECONDS:
            return []
        waited = {pid: now - at for pid, at in self._sampled_at.items()}
        willing = [each for each in candidates if self._may_begin(each.process, now)]
        chosen = in_turn(willing, waited, taken)[: self.places - len(taken)]
        return [(each.process, self._rate(each.process.pid)) for each in chosen]

    def begun(self, process: Process, hz: int, now: float) -> None:
        """A round has begun: what it is expected to cost counts for all from now on."""
        expected = plan.round_cost(self._factors_of(process.pid), self._threads.get(process.pid, 1), hz)
        self._expected[process.pid] = expected
        self._pace.spend(now, expected)

    def learn(self, recording: Recording) -> None:
        """What one py-spy has cost."""
        order = recording.order
        factors = self._factors[order.pid]
        before = factors.get(order.kind, 1.0)
        expected = plan.cost(order.kind, order.seconds, order.hz, self._threads.get(order.pid, 1))
        factors[order.kind] = plan.learned(before, expected, recording.cpu_seconds)

    def paid(self, process: Process, since: float, cpu_seconds: float) -> None:
        """A round has ended, well or not."""
        self._sampled_at[process.pid] = time.monotonic()
        self._paces[process.service].spend(since, cpu_seconds)
        self._pace.correct(cpu_seconds - self._expected.pop(process.pid, 0.0))

    def paid_beside(self, since: float, cpu_seconds: float) -> None:
        """What choosing and watching has cost, for all together."""
        self._pace.spend(since, cpu_seconds)

    def welcome(self, pid: int) -> None:
        """It could be sampled."""
        self._refusals.pop(pid, None)

    def refuse(self, pid: int, reason: str) -> None:
        """It could not, and is left alone for a while."""
        before = self._refusals.get(pid)
        failures = before.failures + 1 if before else 1
        rest = min(_RETRY_SECONDS * 2 ** (failures - 1), _RETRY_MOST_SECONDS)
        self._refusals[pid] = Refusal(reason, failures, time.monotonic() + rest)

    @property
    def all_refused(self) -> bool:
        """There are processes, and none can be sampled."""
        return bool(self._refusals) and len(self._refusals) == len(self._sampled_at)

    def reasons(self) -> list[str]:
        """Why some cannot be sampled."""
        return [refusal.reason for refusal in self._refusals.values()]

    def turns(self, sampled: Collection[str]) -> str:
        """In words, when there are more services than places; '' when all are sampled all the time."""
        if len(self._services) <= self.places:
            return ""
        names = ", ".join(sorted(sampled)) or "none"
        return (
            f"{len(self._services)} services take turns at {self.places} places, the busiest most often; now: {names}. "
            "Raise stacks.cpu_percent for more places."
        )

    def _may_begin(self, process: Process, now: float) -> bool:
        refusal = self._refusals.get(process.pid)
        return (refusal is None or refusal.until <= now) and not self._paces[process.service].rest_seconds(
            now
        )

    def _rate(self, pid: int) -> int:
        at_once = max(1, min(self.places, len(self._services)))
        share = min(plan.SERVICE_SHARE, self._cpu_share / at_once)
        return plan.rate(self._factors_of(pid), self._threads.get(pid, 1), share)

    def _factors_of(self, pid: int) -> dict[Kind, float]:
        """A process not met before is expected to cost what the others do on average."""
        if known_here := self._factors.get(pid):
            return known_here
        found: dict[Kind, float] = {}
        for kind, _ in plan.ROUND:
            known = [factors[kind] for factors in self._factors.values() if kind in factors]
            if known:
                found[kind] = sum(known) / len(known)
        return found

    def _forget_others(self, candidates: Collection[Candidate], now: float) -> None:
        self._threads = {candidate.process.pid: candidate.threads for candidate in candidates}
        present = self._threads.keys()
        for memory in (self._factors, self._sampled_at, self._refusals):
            for pid in memory.keys() - present:
                del memory[pid]
        for pid in present:
            self._sampled_at.setdefault(pid, now)
        self._services = {candidate.process.service for candidate in candidates}
        for service in self._paces.keys() - self._services:
            del self._paces[service]
