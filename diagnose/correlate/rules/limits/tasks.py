"""A service may not have more threads or processes: new ones are refused.

Symptom: "Resource temporarily unavailable", "can't start new thread", fork() fails with EAGAIN; a pool does not grow,
a worker does not come back.

Cause: the control group reached pids.max (TasksMax= of its systemd unit), or the host kernel.threads-max or pid_max.
Either the limit is lower than what the load needs, or threads are started and never end.

Evidence: tasks against the limit, what the group refused (pids.events), and clone() failing with EAGAIN. Many tasks
below a limit are none.

Recommendation: find what starts them; a pool of a fixed size instead of a thread for each request; a limit of twice
what is needed where the need is real. Memory or a user's RLIMIT_NPROC refuse with the same error and are told apart
by the group's own count.

Source: Linux Documentation/admin-guide/cgroup-v2.rst (pids), kernel/cgroup/pids.c, systemd.resource-control(5),
clone(2).
"""

from __future__ import annotations

from collections.abc import Iterator

from diagnose.correlate.rule import (
    Evidence,
    Impact,
    Inspect,
    Recommendation,
    RuledOut,
    Subject,
    TaskLimit,
    Verdict,
    WillNotHelp,
    strength,
    supports_if,
)
from diagnose.correlate.signals.cgroup_limits import CgroupLimit, CgroupLimits
from diagnose.correlate.signals.syscall_errors import SyscallErrors
from diagnose.correlate.words import number, percent

EXPLAINS = ("network.accept_queue_overflow", "app.acceptor_stalled")

# of the limit
HIGH, AT_LIMIT = 0.95, 1.0
# refused in half a minute
LEAST_REFUSED, CLEAR_REFUSED = 1.0, 20.0


def check(limits: CgroupLimits, errors: SyscallErrors | None) -> list[Verdict]:
    """One verdict a control group at its limit."""
    return [_verdict(group, _failed(group, errors)) for group in limits.groups if _lacks(group, errors)]


def _used(group: CgroupLimit) -> float:
    return group.tasks / group.tasks_limit if group.tasks is not None and group.tasks_limit else 0.0


def _failed(group: CgroupLimit, errors: SyscallErrors | None) -> float | None:
    return errors.of("EAGAIN", "clone", "clone3").get(group.service, 0.0) if errors else None


def _lacks(group: CgroupLimit, errors: SyscallErrors | None) -> bool:
    refused = (group.tasks_refused or 0.0) >= LEAST_REFUSED or (
        _failed(group, errors) or 0.0
    ) >= LEAST_REFUSED
    return _used(group) >= HIGH and (refused or _used(group) >= AT_LIMIT)


def _verdict(group: CgroupLimit, failed: float | None) -> Verdict:
    name = group.service or group.cgroup
    tasks, limit, refused = group.tasks or 0.0, group.tasks_limit or 0.0, group.tasks_refused
    rate = max(refused or 0.0, failed or 0.0) / group.seconds
    text = "what needs a new thread or process fails (EAGAIN); what runs goes on"
    return Verdict(
        subject=Subject(group.service, cgroup=group.cgroup),
        headline=f"{name} has {number(tasks)} of {number(limit)} tasks: new threads and processes are refused",
        impact=Impact(0.6 if rate else 0.2, rate, "tasks/s", f"{number(rate)} a second are refused: {text}"),
        evidence=tuple(_evidence(group, failed)),
        ruled_out=(
            RuledOut(
                "limits.process_fds", "the call that fails starts a task; none fails for want of descriptors"
            ),
        )
        if failed
        else (),
        recommendations=tuple(_recommendations(group)),
        will_not_help=(
            WillNotHelp(
                "raise kernel.threads-max or kernel.pid_max", "the host has room: the group's own limit binds"
            ),
            WillNotHelp(
                "edit /etc/security/limits.conf (nproc)", "systemd services do not read it; TasksMax= counts"
            ),
        ),
        explains=EXPLAINS,
    )


def _evidence(group: CgroupLimit, failed: float | None) -> Iterator[Evidence]:
    labels, used = (("cgroup", group.cgroup),), _used(group)
    text = f"{number(group.tasks or 0)} tasks of {number(group.tasks_limit or 0)} ({percent(used)})"
    clear = strength(used, HIGH, AT_LIMIT)
    value, limit = group.tasks, group.tasks_limit
    yield Evidence(
        "supports", "decides", text, "cgroup_tasks", value, "tasks", limit, "pids.max", clear, labels
    )
    if group.tasks_refused is None:
        yield Evidence(
            "missing", "separates", "refusals were not counted (pids.events)", "cgroup_tasks_refused_total"
        )
    else:
        refused = group.tasks_refused
        text, metric = (
            f"the group refused {number(refused)} tasks in half a minute",
            "cgroup_tasks_refused_total",
        )
        kind, clear = supports_if(refused >= LEAST_REFUSED), strength(refused, 0, CLEAR_REFUSED)
        yield Evidence(kind, "separates", text, metric, refused, "tasks", 0, "pids.events", clear, labels)
    if failed is not None:
        text = f"clone() failed {number(failed)} times with EAGAIN in {group.service or 'it'}"
        calls = (("service", group.service), ("error", "EAGAIN"))
        kind = supports_if(failed >= LEAST_REFUSED)
        yield Evidence(
            kind, "corroborates", text, "syscall_errors_total", failed, "calls", 0, "eBPF", 1.0, calls
        )


def _recommendations(group: CgroupLimit) -> Iterator[Recommendation]:
    name, tasks = group.service or group.cgroup, int(group.tasks_limit or 0)
    counted = "sort | uniq -c | sort -rn | head"
    command = f"ps -eLo pid,comm,cgroup | grep -F '{group.cgroup}' | {counted}"
    inspect = Inspect(
        name, "see which process of the group has them, and by the threads' names what for", command
    )
    yield Recommendation(
        inspect, f"{number(group.tasks or 0)} tasks", "one pool, or one thread for each request", "none"
    )
    proposed = 1 << (2 * tasks - 1).bit_length()
    formula = f"twice the {number(tasks)} that are not enough, rounded up to a power of two"
    risk = "each thread takes memory for its stack; a leak only gets there later"
    change = TaskLimit(group.service, group.cgroup, tasks, proposed)
    yield Recommendation(change, formula, "no EAGAIN at this load", "low", risk)
