"""Bounds of what is a part of the host's CPUs."""

from __future__ import annotations

from dataclasses import replace

from diagnose.correlate.change import Change, CpuQuota, PacketSteering
from diagnose.findings.advice.machine import Machine

# Below a hundredth of a core a period of 100 ms leaves less than the scheduler's slice of 1 ms.
LEAST_CORES = 0.01


def quota(change: CpuQuota, machine: Machine) -> tuple[Change, str]:
    """Not more cores than there are."""
    wanted = max(LEAST_CORES, change.proposed)
    if machine.cpus is None or wanted <= machine.cpus or wanted <= change.current:
        return replace(change, proposed=wanted), ""
    value = max(change.current, float(machine.cpus))
    return replace(change, proposed=value), f"{wanted:g} cut to {value:g}: the host has {machine.cpus} CPUs"


def steering(change: PacketSteering, machine: Machine) -> tuple[Change, str]:
    """Only CPUs that there are; a mask of none would switch steering off."""
    wanted = mask(change.proposed)
    if machine.cpus is None:
        return change, ""
    there = wanted & ((1 << machine.cpus) - 1)
    value = words(there or 1)
    cut = "" if there == wanted else f"{change.proposed} cut to {value}: the host has {machine.cpus} CPUs"
    return replace(change, proposed=value), cut


def mask(text: str) -> int:
    """The kernel writes masks in groups of 32 bits, with commas between; 0 for what is none."""
    try:
        return int(text.replace(",", "") or "0", 16)
    except ValueError:
        return 0


def words(value: int) -> str:
    """As the kernel takes it: groups of eight digits beyond 32 CPUs."""
    digits = f"{value:x}"
    first = len(digits) % 8 or 8
    groups = [digits[:first], *(digits[at : at + 8] for at in range(first, len(digits), 8))]
    return ",".join(groups)
