"""What a change is about, in the words of the API: its kind, its target, the value of now and the proposed one."""

from __future__ import annotations

from dataclasses import dataclass

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
from diagnose.findings.advice.words import size

UNSET = "unset"


@dataclass(frozen=True, slots=True)
class Target:
    """`current` is None where nothing is replaced: a change of code, a closer look."""

    kind: str
    target: str
    current: str | None
    proposed: str


def target_of(change: Change) -> Target:
    """Of every change there is."""
    match change:
        case Sysctl(name, current, proposed):
            return Target("sysctl", name, str(current), str(proposed))
        case Backlog(listener, service, current, proposed):
            where = f"backlog of {service or 'the program'} on {listener}"
            return Target("application_setting", where, str(current), str(proposed))
        case OpenFiles(service, pid, current, proposed):
            limit = "LimitNOFILE" if service.endswith(".service") else "RLIMIT_NOFILE"
            return Target("process_limit", f"{limit} of {service or pid}", str(current), str(proposed))
        case Workers(service, current, proposed):
            return Target("workers", f"processes of {service}", str(current), str(proposed))
        case CpuQuota(service, cgroup, cores, wanted):
            return Target("cgroup_quota", f"CPU quota of {service or cgroup}", _cores(cores), _cores(wanted))
        case TaskLimit(service, cgroup, current, proposed):
            return Target("task_limit", f"tasks of {service or cgroup}", str(current), str(proposed))
        case MemoryLimit(service, cgroup, current, proposed):
            return Target("memory_limit", f"memory of {service or cgroup}", size(current), size(proposed))
        case UnitSetting(unit, name, value, wished):
            return Target("systemd_setting", f"{name} of {unit}", value or UNSET, wished)
        case PacketSteering(device, value, wished):
            return Target("packet_steering", f"receive packet steering of {_card(device)}", value, wished)
        case InterruptAffinity(interrupt, value, wished):
            return Target("interrupt_affinity", f"CPUs of interrupt {interrupt}", value, wished)
        case CardQueues(device, current, proposed):
            return Target("card_queues", f"queues of {device}", str(current), str(proposed))
        case RingSize(device, current, proposed):
            return Target("ring_size", f"receive ring of {device}", str(current), str(proposed))
        case Variable(service, name, value, wished):
            return Target("runtime_setting", f"{name} of {service}", value or UNSET, wished)
        case Setting(service, name, value, wished):
            return Target("application_setting", f"{name} of {service}", value or UNSET, wished)
        case Code(where, what):
            return Target("code_change", where, None, what)
        case Inspect(where, purpose, _):
            return Target("inspection", where, None, purpose)


def service_of(change: Change) -> str:
    """The service that the change names, '' where it names none."""
    if isinstance(change, UnitSetting):
        return change.unit
    return getattr(change, "service", "")


def _cores(count: float) -> str:
    return f"{count:g} core{'' if count == 1 else 's'}"


def _card(device: str) -> str:
    return device or "the card"
