"""Drop-ins for systemd units."""

from __future__ import annotations

from diagnose.correlate.change import (
    Backlog,
    Change,
    CpuQuota,
    MemoryLimit,
    OpenFiles,
    TaskLimit,
    UnitSetting,
    Variable,
    Workers,
)
from diagnose.correlate.fit import Place
from diagnose.correlate.rule import Recommendation
from diagnose.findings.advice import programs


def render(recommendation: Recommendation) -> str | None:
    """The content of a drop-in, its path and how to load it as comments; None when no unit runs the service."""
    change, place = recommendation.change, recommendation.fit.place
    unit, line = unit_of(change, place), setting(change, place)
    if not unit or not line:
        return None
    load = f"systemctl daemon-reload && systemctl restart {unit}"
    return f"# {drop_in_path(unit)} (load it with: {load})\n[{_section(unit)}]\n{line}\n"


def drop_in_path(unit: str) -> str:
    return f"/etc/systemd/system/{unit}.d/60-diagnose.conf"


def unit_of(change: Change, place: Place | None = None) -> str:
    """The unit that the change is made in, '' where something else than systemd started the service."""
    if isinstance(change, UnitSetting):
        return change.unit
    service = getattr(change, "service", "")
    wanted = ".socket" if isinstance(change, Backlog) else ".service"
    contained = place is not None and place.container
    return service if service.endswith(wanted) and not contained else ""


def setting(change: Change, place: Place | None = None) -> str:
    """The line of the unit, '' where systemd has none for it."""
    match change:
        case OpenFiles(_, _, _, proposed):
            return f"LimitNOFILE={proposed}"
        case Backlog(_, _, _, proposed):
            return f"Backlog={proposed}"
        case CpuQuota(_, _, _, cores):
            return f"CPUQuota={round(100 * cores)}%"
        case TaskLimit(_, _, _, tasks):
            return f"TasksMax={tasks}"
        case MemoryLimit(_, _, _, size):
            return f"MemoryMax={size}"
        case UnitSetting(_, name, _, value):
            return f"{name}={value}"
        case Variable(_, name, _, value):
            return f'Environment="{name}={value}"'
        case Workers():
            found = programs.variable(change, place.program if place else "")
            return f'Environment="{found[0]}={found[1]}"' if found else ""
        case _:
            return ""


def shown_as(change: CpuQuota | TaskLimit | MemoryLimit | UnitSetting) -> str:
    """The property as `systemctl show` has it."""
    if isinstance(change, CpuQuota):
        return "CPUQuotaPerSecUSec"
    return setting(change).partition("=")[0]


def _section(unit: str) -> str:
    return "Socket" if unit.endswith(".socket") else "Service"
