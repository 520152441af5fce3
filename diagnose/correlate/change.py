"""What a recommendation changes: one type for each kind of setting, with the value of now and the one proposed.

A rule says only what and why. How it is bounded for the host, written down for a tool and taken back is decided for all
rules in one place, `diagnose.findings.advice`.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Sysctl:
    """Set a kernel parameter; some take several numbers."""

    name: str
    current: int | str
    proposed: int | str


@dataclass(frozen=True, slots=True)
class Backlog:
    """Let a listener ask for a longer accept queue: the second argument of listen()."""

    listener: str
    service: str
    current: int
    proposed: int


@dataclass(frozen=True, slots=True)
class OpenFiles:
    """Let a process open more files: RLIMIT_NOFILE."""

    service: str
    pid: int
    current: int
    proposed: int


@dataclass(frozen=True, slots=True)
class Workers:
    """Let more (or fewer) processes or acceptors share the work."""

    service: str
    current: int
    proposed: int


@dataclass(frozen=True, slots=True)
class CpuQuota:
    """Let a control group use that many cores."""

    service: str
    cgroup: str
    current: float
    proposed: float


@dataclass(frozen=True, slots=True)
class TaskLimit:
    """Let a control group have that many threads and processes."""

    service: str
    cgroup: str
    current: int
    proposed: int


@dataclass(frozen=True, slots=True)
class MemoryLimit:
    """Let a control group use that much memory, in bytes."""

    service: str
    cgroup: str
    current: int
    proposed: int


@dataclass(frozen=True, slots=True)
class UnitSetting:
    """Set a property of a systemd unit for which there is no type of its own: CPUWeight, Nice, OOMScoreAdjust …"""

    unit: str
    name: str
    current: str
    proposed: str


@dataclass(frozen=True, slots=True)
class PacketSteering:
    """Hand received packets on to the CPUs of a mask, in hexadecimal (RPS); no device: each card that receives."""

    device: str
    current: str
    proposed: str


@dataclass(frozen=True, slots=True)
class InterruptAffinity:
    """Send an interrupt to these CPUs, as a list such as 0-3."""

    interrupt: int
    current: str
    proposed: str


@dataclass(frozen=True, slots=True)
class CardQueues:
    """Let a card spread what it receives over that many queues."""

    device: str
    current: int
    proposed: int


@dataclass(frozen=True, slots=True)
class RingSize:
    """Let a card hold that many received packets until the kernel takes them."""

    device: str
    current: int
    proposed: int


@dataclass(frozen=True, slots=True)
class Variable:
    """Set what a runtime reads from its environment at the start: GOMAXPROCS, GOGC, GOMEMLIMIT … '' is unset."""

    service: str
    name: str
    current: str
    proposed: str


@dataclass(frozen=True, slots=True)
class Setting:
    """Set an option of a program's own configuration; `line` is how it stands there, where that is known."""

    service: str
    name: str
    current: str
    proposed: str
    line: str = ""


@dataclass(frozen=True, slots=True)
class Code:
    """Change the program at `where`, as `what` says."""

    where: str
    what: str


@dataclass(frozen=True, slots=True)
class Inspect:
    """Look closer before changing anything; `command` changes nothing itself."""

    target: str
    purpose: str
    command: str


Change = (
    Sysctl
    | Backlog
    | OpenFiles
    | Workers
    | CpuQuota
    | TaskLimit
    | MemoryLimit
    | UnitSetting
    | PacketSteering
    | InterruptAffinity
    | CardQueues
    | RingSize
    | Variable
    | Setting
    | Code
    | Inspect
)
