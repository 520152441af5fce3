"""How to take a change back."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from diagnose.correlate.change import (
    Backlog,
    CardQueues,
    Change,
    Code,
    CpuQuota,
    Inspect,
    InterruptAffinity,
    MemoryLimit,
    OpenFiles,
    PacketSteering,
    RingSize,
    Setting,
    Sysctl,
    TaskLimit,
    UnitSetting,
    Variable,
    Workers,
)
from diagnose.correlate.fit import Place
from diagnose.findings.advice import shell, sysctl_d, systemd


def undo(change: Change, place: Place | None = None) -> str:
    """Words or commands; they bring the value back that was measured before the change."""
    place = place or Place()
    match change:
        case Sysctl():
            return f"{_backwards(change, place)}, and remove its line from {sysctl_d.PATH}"
        case OpenFiles(service, pid, current, _) if systemd.unit_of(change, place):
            path = systemd.drop_in_path(service)
            return f"rm {path}; systemctl daemon-reload; prlimit --pid {pid} --nofile={current}:"
        case OpenFiles(_, pid, current, _):
            return f"prlimit --pid {pid} --nofile={current}:"
        case CpuQuota() | TaskLimit() | MemoryLimit() | InterruptAffinity() | CardQueues() | RingSize():
            return _backwards(change, place)
        case PacketSteering():
            return _backwards(replace(change, current=change.current or "0"), place)
        case UnitSetting(unit, name, value, _):
            return (
                _backwards(change, place)
                if value
                else f"systemctl revert {unit}, which had no {name} of its own"
            )
        case Backlog(_, _, current, _):
            return f"set the backlog back to {current} and restart"
        case Workers(_, current, _):
            return f"go back to {current} and restart"
        case Variable(_, name, value, _) | Setting(_, name, value, _):
            return f"{f'set {name} back to {value}' if value else f'take {name} out again'} and restart"
        case Code():
            return "revert the change and restart"
        case Inspect():
            return "nothing to undo: it changes nothing"


def _backwards(change: Change, place: Place) -> str:
    """The same command with the value of now."""
    setting: Any = change  # of whichever type: both of its values are of the same one
    return (shell.command(replace(setting, proposed=setting.current), place) or "").replace("\n", "; ")
