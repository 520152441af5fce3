"""Bounds of what runtimes read from their environment."""

from __future__ import annotations

from dataclasses import replace

from diagnose.correlate.change import Change, Variable
from diagnose.findings.advice.bounds.bound import Bound
from diagnose.findings.advice.bounds.numbers import WORKERS_EACH_CPU
from diagnose.findings.advice.machine import Machine

_UNITS = {"B": 1, "KiB": 1 << 10, "MiB": 1 << 20, "GiB": 1 << 30, "TiB": 1 << 40}
# %; below, the collector runs all the time; above, the heap may grow to eleven times what is live
LEAST_GOGC, MOST_GOGC = 10, 1000


def bounded(change: Variable, machine: Machine) -> tuple[Change, str]:
    """Numbers and sizes; switches and option lists as they are."""
    if change.name == "GOMEMLIMIT":
        return _memory(change, machine)
    bound = _bound(change.name, machine)
    if bound is None or not change.proposed.isdecimal():
        return change, ""
    value = min(bound.highest, max(LEAST_GOGC if change.name == "GOGC" else 1, int(change.proposed)))
    cut = "" if value == int(change.proposed) else f"{change.proposed} cut to {value}: {bound.why}"
    return replace(change, proposed=str(value)), cut


def _bound(name: str, machine: Machine) -> Bound | None:
    if name == "GOGC":
        return Bound(MOST_GOGC, f"from {LEAST_GOGC} to {MOST_GOGC} % the heap stays near what is live")
    if machine.cpus is None:
        return None
    if name in ("GOMAXPROCS", "OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS"):
        return Bound(machine.cpus, f"the host has {machine.cpus} CPUs")
    if name == "WEB_CONCURRENCY":
        return Bound(WORKERS_EACH_CPU * machine.cpus, f"{machine.cpus} CPUs: more would only take turns")
    return None


def _memory(change: Variable, machine: Machine) -> tuple[Change, str]:
    """At most nine tenths of the host's memory, in the form that Go takes."""
    wanted, memory = size_bytes(change.proposed), machine.memory_bytes
    if wanted is None or memory is None or wanted <= memory * 0.9:
        return change, ""
    value = f"{int(memory * 0.9) >> 20}MiB"
    return replace(
        change, proposed=value
    ), f"{change.proposed} cut to {value}: the rest of the host needs a tenth"


def size_bytes(text: str) -> int | None:
    """`512MiB` in bytes; None for what Go would not take."""
    for unit, factor in reversed(_UNITS.items()):
        number = text.removesuffix(unit)
        if number != text and number.isdecimal():
            return int(number) * factor
    return int(text) if text.isdecimal() else None
