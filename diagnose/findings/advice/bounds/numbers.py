"""Bounds of what is one number."""

from __future__ import annotations

from dataclasses import replace

from diagnose.correlate.change import (
    Backlog,
    CardQueues,
    Change,
    MemoryLimit,
    OpenFiles,
    RingSize,
    Sysctl,
    TaskLimit,
    Workers,
)
from diagnose.findings.advice.bounds.bound import Bound, of_memory
from diagnose.findings.advice.bounds.sysctls import SYSCTLS
from diagnose.findings.advice.machine import Machine
from diagnose.findings.advice.words import amount

# B; a thread's kernel stack and task_struct (THREAD_SIZE of x86-64 and arm64 is 16 kB).
THREAD_BYTES = 24 << 10
# B; an interpreter with a small web application in it
WORKER_BYTES = 32 << 20
# Beyond that, processes only take turns on a CPU.
WORKERS_EACH_CPU = 8
# fs.nr_open as every kernel starts with (fs/file.c), where the host's own is not known
USUAL_NR_OPEN = 1 << 20
# PID_MAX_LIMIT of 64-bit kernels (include/linux/threads.h)
MOST_TASKS = 4 << 20

Numbered = Sysctl | Backlog | OpenFiles | Workers | TaskLimit | MemoryLimit | RingSize | CardQueues


def bounded(change: Change, machine: Machine) -> tuple[Change, str]:
    """Raising stops at the bound, which is never below what is set; lowering stops at 1."""
    if not isinstance(change, Numbered) or not isinstance(change.proposed, int):
        return change, ""
    current, wanted = _as_int(change.current), change.proposed
    if current is not None and wanted <= current:
        return replace(change, proposed=max(_lowest(change), wanted)), ""
    bound = _bound(change, machine)
    if bound is None:
        return change, ""
    value = max(current or 0, min(wanted, bound.highest))
    cut = f"{amount(wanted)} cut to {amount(value)}: {bound.why}" if value != wanted else ""
    return replace(change, proposed=value), cut


def _as_int(value: int | str) -> int | None:
    if isinstance(value, int):
        return value
    return int(value) if value.isdecimal() else None


def _lowest(change: Numbered) -> int:
    """Kernel parameters may be 0; a program without workers or files does not run."""
    return 0 if isinstance(change, Sysctl) else 1


def _bound(change: Numbered, machine: Machine) -> Bound | None:
    match change:
        case Sysctl(name):
            found = SYSCTLS.get(name)
            return found(machine) if found else None
        case Backlog():
            return SYSCTLS["net.core.somaxconn"](machine)
        case OpenFiles():
            most = machine.number("sysctl.fs.nr_open") or USUAL_NR_OPEN
            return of_memory(machine, 0.1, 1024, most, "open files")
        case Workers():
            return _workers(machine)
        case TaskLimit():
            most = min(MOST_TASKS, machine.number("sysctl.kernel.threads-max") or MOST_TASKS)
            return of_memory(machine, 0.125, THREAD_BYTES, most, "threads")
        case MemoryLimit():
            memory = machine.memory_bytes
            return None if memory is None else Bound(int(memory * 0.9), "the rest of the host needs a tenth")
        case RingSize(device):
            return _card(machine, device, "rx_ring_max")
        case CardQueues(device):
            return _card(machine, device, "combined_max") or _one_each_cpu(machine)


def _workers(machine: Machine) -> Bound | None:
    by_memory = of_memory(machine, 0.5, WORKER_BYTES, 1024, "processes of an interpreter")
    if machine.cpus is None or WORKERS_EACH_CPU * machine.cpus >= by_memory.highest:
        return Bound(max(1, by_memory.highest), by_memory.why)
    return Bound(WORKERS_EACH_CPU * machine.cpus, f"{machine.cpus} CPUs: more would only take turns")


def _card(machine: Machine, device: str, what: str) -> Bound | None:
    most = machine.number(f"nic.{device}.{what}")
    return None if most is None else Bound(most, f"the card {device} takes no more")


def _one_each_cpu(machine: Machine) -> Bound | None:
    return None if machine.cpus is None else Bound(machine.cpus, "one for each CPU is all that can work")
