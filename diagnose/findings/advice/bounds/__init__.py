"""Proposed values kept inside what the host can bear: its memory, its CPUs, and what its kernel takes at all.

A rule computes a value from what it measured; on a small machine that can be more than the machine has. A bound is the
part of memory that one setting may come to when it is used to the full, and is never lower than what is set already.
In: a change and the `Machine`. Out: the change within bounds, and which bound cut it ('' where none did).
"""

from __future__ import annotations

from diagnose.correlate.change import (
    Change,
    CpuQuota,
    PacketSteering,
    Sysctl,
    Variable,
)
from diagnose.findings.advice.bounds import cpus, lists, numbers, variables
from diagnose.findings.advice.machine import Machine


def bounded(change: Change, machine: Machine) -> tuple[Change, str]:
    """The change within the host's bounds, and which of them cut it."""
    match change:
        case Sysctl(_, _, str()):
            return lists.bounded(change, machine)
        case CpuQuota():
            return cpus.quota(change, machine)
        case PacketSteering():
            return cpus.steering(change, machine)
        case Variable():
            return variables.bounded(change, machine)
        case _:
            return numbers.bounded(change, machine)
