"""What a rule says: a verdict with its evidence, what it ruled out, what it costs, and what to do about it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from diagnose.correlate.change import Backlog as Backlog
from diagnose.correlate.change import CardQueues as CardQueues
from diagnose.correlate.change import Change as Change
from diagnose.correlate.change import Code as Code
from diagnose.correlate.change import CpuQuota as CpuQuota
from diagnose.correlate.change import Inspect as Inspect
from diagnose.correlate.change import InterruptAffinity as InterruptAffinity
from diagnose.correlate.change import MemoryLimit as MemoryLimit
from diagnose.correlate.change import OpenFiles as OpenFiles
from diagnose.correlate.change import PacketSteering as PacketSteering
from diagnose.correlate.change import RingSize as RingSize
from diagnose.correlate.change import Setting as Setting
from diagnose.correlate.change import Sysctl as Sysctl
from diagnose.correlate.change import TaskLimit as TaskLimit
from diagnose.correlate.change import UnitSetting as UnitSetting
from diagnose.correlate.change import Variable as Variable
from diagnose.correlate.change import Workers as Workers
from diagnose.correlate.fit import UNFITTED, Fit

Kind = Literal["supports", "contradicts", "missing"]
# decides: the reading the defect is defined by; separates: tells it from a lookalike; corroborates: goes with it.
Role = Literal["decides", "separates", "corroborates"]
Risk = Literal["none", "low", "medium", "high"]
Restart = Literal["none", "service", "host"]


@dataclass(frozen=True, slots=True)
class Evidence:
    """One line of proof. `strength` is 0 at the threshold and 1 where the reading leaves no doubt.

    `labels` select the series (or, with `profile`, the flame graph) that shows it.
    """

    kind: Kind
    role: Role
    text: str
    metric: str = ""
    value: float | None = None
    unit: str = ""
    threshold: float | None = None
    source: str = ""
    strength: float = 1.0
    labels: tuple[tuple[str, str], ...] = ()
    profile: str = ""


def supports_if(holds: bool) -> Kind:
    """What a reading says that speaks either for the defect or against it."""
    return "supports" if holds else "contradicts"


def strength(value: float, threshold: float, clear_at: float) -> float:
    """How far a reading went from the threshold to where it leaves no doubt, bounded to 0…1; falling scales too."""
    return min(1.0, max(0.0, (value - threshold) / (clear_at - threshold)))


@dataclass(frozen=True, slots=True)
class Subject:
    """Where on the host it applies; all empty: everywhere. The pid is for people: a restarted process is the same
    subject. `whole_host`: the process is to blame for trouble of all."""

    service: str = ""
    pid: int | None = None
    listener: str = ""
    netns: str = ""
    destination: str = ""
    cgroup: str = ""
    cpu: int | None = None
    device: str = ""
    whole_host: bool = False

    @property
    def key(self) -> str:
        """What makes two verdicts of a rule the same finding; a restarted container has another namespace."""
        cpu = "" if self.cpu is None else f"cpu{self.cpu}"
        more = (part for part in (self.destination, self.cgroup, cpu, self.device) if part)
        return "|".join((self.service or self.netns, self.listener, *more))

    @property
    def name(self) -> str:
        """Service and pid for people."""
        pid = f"pid {self.pid}" if self.pid is not None else ""
        if self.service and pid:
            return f"{self.service} ({pid})"
        return self.service or pid or "a process of another user"

    @property
    def everywhere(self) -> bool:
        """Whether it is trouble of the whole host, or of one network namespace of it."""
        named = any((self.service, self.pid, self.listener, self.destination, self.cgroup))
        return self.whole_host or not named

    def _leads_to(self, destination: str) -> bool:
        """A destination without a port is the way to all of that address."""
        mine = self.destination
        return bool(mine) and (destination == mine or destination.startswith(f"{mine}:"))

    def touches(self, other: Subject) -> bool:
        """Whether trouble here can be trouble there: the same process, service, listener or destination, or the whole
        of which the other is a part."""
        return (
            (self.everywhere and self.netns in ("", other.netns))
            or (self._leads_to(other.destination) and self.netns == other.netns)
            or (self.pid is not None and self.pid == other.pid)
            or bool(self.service and self.service == other.service)
            or bool(self.listener and (self.listener, self.netns) == (other.listener, other.netns))
        )


@dataclass(frozen=True, slots=True)
class Impact:
    """What it costs: `share` 0…1 of user time or requests lost, and the same in a unit and in words."""

    share: float
    value: float
    unit: str
    text: str


@dataclass(frozen=True, slots=True)
class RuledOut:
    """A confusable cause and the reading that excludes it."""

    rule: str
    reason: str


@dataclass(frozen=True, slots=True)
class WillNotHelp:
    """A popular tweak that does nothing here, and why."""

    action: str
    reason: str


@dataclass(frozen=True, slots=True)
class Recommendation:
    """A change, how its value was computed from what was measured, and what to expect of it.

    `side_effects`: what else the change moves. Those of well-known settings need not be said by a rule, and `fit` is
    not a rule's to say.
    """

    change: Change
    formula: str
    expected: str
    risk: Risk
    risk_text: str = ""
    restart: Restart = "none"
    side_effects: tuple[str, ...] = ()
    fit: Fit = UNFITTED


@dataclass(frozen=True, slots=True)
class Unknown:
    """What was not checked, and why."""

    what: str
    why: str


@dataclass(frozen=True, slots=True)
class Verdict:
    """A defect that holds on one subject. `explains` narrows the rule's EXPLAINS to what these readings bear out.

    `forecast`: nothing fails yet; it will, at the present growth.
    """

    subject: Subject
    headline: str
    impact: Impact
    evidence: tuple[Evidence, ...]
    ruled_out: tuple[RuledOut, ...] = ()
    recommendations: tuple[Recommendation, ...] = ()
    will_not_help: tuple[WillNotHelp, ...] = ()
    unknown: tuple[Unknown, ...] = ()
    explains: tuple[str, ...] = ()
    forecast: bool = False
