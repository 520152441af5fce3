"""Which facts are changes that matter, of what kind and of which service; by the names that collectors give them."""

from __future__ import annotations

import re
from dataclasses import dataclass

from diagnose.models.change import Change

Kind = Change.Kind
# What an application or an administrator sets, by the beginning of the fact's name.
_HOST: tuple[tuple[str, Kind], ...] = (
    ("sysctl.", Kind.SETTING),
    ("memory.transparent_hugepages", Kind.SETTING),
    ("kernel.command_line", Kind.SETTING),
    ("kernel.mitigations", Kind.SETTING),
    ("kernel.boot_id", Kind.RESTART),
    ("kernel.release", Kind.SOFTWARE),
    ("os.name", Kind.SOFTWARE),
    ("package.", Kind.SOFTWARE),
    ("collector.version", Kind.SOFTWARE),
    ("cpu.scaling_", Kind.SETTING),
    ("cpu.count", Kind.HARDWARE),
    ("cpu.model", Kind.HARDWARE),
    ("memory.total_bytes", Kind.HARDWARE),
    ("machine.", Kind.HARDWARE),
    ("numa.", Kind.HARDWARE),
    ("nic.", Kind.SETTING),
)
# `irq.*` is left out: irqbalance moves interrupts every ten seconds. `capture.*` tells of the collector itself.
_SERVICE = re.compile(
    r"service\.(?P<service>.+)\."
    r"(?P<what>command|runtime|runtime_version|version|started|cpus_allowed|(?:limit|env|cgroup)\.[^.]+)"
)
_UNIT = re.compile(r"unit\.(?P<service>.+\.service)\.(?P<what>[A-Za-z]+)")
_SERVICE_KINDS = {
    "command": Kind.CONFIGURATION,
    "env": Kind.CONFIGURATION,
    "runtime": Kind.SOFTWARE,
    "runtime_version": Kind.SOFTWARE,
    "version": Kind.VERSION,
    "started": Kind.RESTART,
    "cgroup": Kind.RESTART,  # a container that starts anew gets a new group
    "limit": Kind.LIMIT,
    "cpus_allowed": Kind.LIMIT,
}
_ENDED = ("Result", "ExecMainStatus")
_UNIT_LIMITS = ("Limit", "Tasks", "CPU", "Memory", "IO", "OOM", "Nice")


@dataclass(frozen=True, slots=True)
class Class:
    """`service` is empty for a change of the whole host."""

    kind: Kind
    service: str = ""


def class_of(fact: str) -> Class | None:
    """None for facts that tell of no change anybody made."""
    if found := _UNIT.fullmatch(fact):
        return Class(_unit_kind(found["what"]), found["service"])
    if found := _SERVICE.fullmatch(fact):
        return Class(_SERVICE_KINDS[found["what"].partition(".")[0]], found["service"])
    kind = next((kind for begin, kind in _HOST if fact.startswith(begin)), None)
    return None if kind is None else Class(kind)


def _unit_kind(what: str) -> Kind:
    if what in _ENDED:
        return Kind.RESTART
    return Kind.LIMIT if what.startswith(_UNIT_LIMITS) else Kind.CONFIGURATION
