"""What to type now, on the host; and the same as a dry run, which shows what is there and changes nothing."""

from __future__ import annotations

import shlex

from diagnose.correlate.change import (
    Backlog,
    CardQueues,
    Change,
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
from diagnose.correlate.rule import Recommendation
from diagnose.findings.advice import cgroups, programs, systemd
from diagnose.findings.advice.place import is_namespaced
from diagnose.findings.advice.targets import target_of


def render(recommendation: Recommendation) -> str | None:
    """Commands, with comments where the change is a program's own setting."""
    return command(recommendation.change, recommendation.fit.place)


def command(change: Change, place: Place) -> str | None:
    match change:
        case Sysctl(name, _, proposed):
            return f"{_entering(name, place)}sysctl -w {shlex.quote(f'{name}={proposed}')}"
        case OpenFiles(_, pid, _, proposed):
            return f"prlimit --pid {pid} --nofile={proposed}:{proposed}"
        case CpuQuota() | TaskLimit() | MemoryLimit() | UnitSetting():
            unit, setting = systemd.unit_of(change, place), systemd.setting(change)
            if unit and setting:
                return f"systemctl set-property {shlex.quote(unit)} {shlex.quote(setting)}"
            return None if isinstance(change, UnitSetting) else cgroups.commands(change)
        case PacketSteering(device, _, mask):
            return f"for queue in {_queues(device)}; do echo {shlex.quote(mask)} > $queue/rps_cpus; done"
        case InterruptAffinity(interrupt, _, cpus):
            return f"echo {shlex.quote(cpus)} > /proc/irq/{interrupt}/smp_affinity_list"
        case CardQueues(device, _, proposed):
            return f"ethtool -L {shlex.quote(device)} combined {proposed}"
        case RingSize(device, _, proposed):
            return f"ethtool -G {shlex.quote(device)} rx {proposed}"
        case Inspect(_, _, typed):
            return typed
        case Backlog():
            return _backlog(change, place)
        case Workers():
            return _workers(change, place)
        case Variable(service, name, _, proposed):
            told = f"# in the environment of {service}, which reads it at its start"
            return f"{told}\nexport {name}={shlex.quote(proposed)}"
        case Setting(service, name, _, proposed, line):
            told = f"# in the configuration of {service}, which is restarted then"
            return f"{told}\n{line or f'{name} = {proposed}'}"
        case _:
            return None


def dry_run(recommendation: Recommendation) -> str | None:
    """A command that reads the value of now and prints what would become of it; None where there is nothing to read."""
    change, place = recommendation.change, recommendation.fit.place
    read = _reading(change, place)
    if read is None:
        return None
    target = target_of(change)
    told = f"{target.target}: %s now, {target.current} when it was measured; it would become {target.proposed}\\n"
    return f'printf {shlex.quote(told)} "$({read})"'


def _reading(change: Change, place: Place) -> str | None:
    match change:
        case Sysctl(name):
            return f"{_entering(name, place)}sysctl -n {shlex.quote(name)}"
        case OpenFiles(_, pid):
            return f"prlimit --pid {pid} --nofile --output SOFT --noheadings"
        case CpuQuota() | TaskLimit() | MemoryLimit() | UnitSetting():
            unit = systemd.unit_of(change, place)
            if unit:
                return f"systemctl show --property {systemd.shown_as(change)} --value {shlex.quote(unit)}"
            return None if isinstance(change, UnitSetting) else cgroups.reading(change)
        case PacketSteering(device):
            return f"cat {_queues(device)}/rps_cpus"
        case InterruptAffinity(interrupt):
            return f"cat /proc/irq/{interrupt}/smp_affinity_list"
        case CardQueues(device):
            return f"ethtool -l {shlex.quote(device)} | awk '/^Combined/ {{value = $2}} END {{print value}}'"
        case RingSize(device):
            return f"ethtool -g {shlex.quote(device)} | awk '/^RX:/ {{value = $2}} END {{print value}}'"
        case Backlog(listener):
            port = shlex.quote(f"sport = :{listener.rpartition(':')[2]}")
            return f"{_entering('net.', place)}ss -Hltn {port} | awk '{{print $3}}'"
        case _:
            return None


def _entering(sysctl: str, place: Place) -> str:
    """In a container the settings are those of its network namespace, which the host can enter."""
    if place.netns and place.pid and is_namespaced(sysctl):
        return f"nsenter --net=/proc/{place.pid}/ns/net "
    return ""


def _queues(device: str) -> str:
    """Of one card, or of every device that has hardware behind it."""
    return (
        f"/sys/class/net/{shlex.quote(device)}/queues/rx-*" if device else "/sys/class/net/[ew]*/queues/rx-*"
    )


def _backlog(change: Backlog, place: Place) -> str:
    port = shlex.quote(f"sport = :{change.listener.rpartition(':')[2]}")
    lines = [
        f"# ask for a backlog of {change.proposed} where {change.service or 'the program'} calls listen():",
        *(f"# {line}" for line in programs.backlog_lines(change, place.program)),
        "# then restart it and check that Send-Q has become that:",
        f"{_entering('net.', place)}ss -ltn {port}",
    ]
    return "\n".join(lines)


def _workers(change: Workers, place: Place) -> str:
    lines = [
        f"# let {change.service or 'it'} have {change.proposed} instead of {change.current}, and restart it:",
        *(f"# {line}" for line in programs.workers_lines(change, place.program)),
    ]
    return "\n".join(lines)
