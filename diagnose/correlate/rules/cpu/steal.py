"""The hypervisor gives this machine's CPUs to others.

Symptom: everything is slow at times, at no time of the load; the same work takes more CPU seconds than elsewhere.

Cause: the physical machine is overcommitted, or this virtual machine has used up its CPU credits (burstable types).

Evidence: steal, time in which a virtual CPU was ready and did not run, as the hypervisor tells it. Where it tells
nothing the share is 0: then this rule sees nothing, which is no proof.

Recommendation: another host or type of machine; less load does not help when the neighbours are others. Inside, only
the number of busy CPUs can be lowered.

Source: proc_stat(5); Linux arch/x86/kernel/kvm.c (steal time).
"""

from __future__ import annotations

from collections.abc import Iterator

from diagnose.correlate.rule import (
    Code,
    Evidence,
    Impact,
    Recommendation,
    Subject,
    Verdict,
    WillNotHelp,
    strength,
    supports_if,
)
from diagnose.correlate.signals.cpu_time import CpuTime
from diagnose.correlate.signals.runners import Runners
from diagnose.correlate.words import number, percent

EXPLAINS = (
    "app.acceptor_stalled",
    "app.hot_function",
    "app.slow_reader",
    "cpu.saturation",
    "network.accept_queue_overflow",
    "network.udp_receive_overflow",
)

# of the time in which CPUs were wanted (busy and stolen); clear where a fourth is lost
STOLEN, CLEAR_STOLEN = 0.05, 0.25
# of all time: a machine that hardly runs loses little
LEAST = 0.02


def check(cpus: CpuTime, runners: Runners | None) -> list[Verdict]:
    """One verdict a host."""
    steal = cpus.share("steal")
    wanted = 1.0 - cpus.idle
    return (
        [_verdict(cpus, steal, steal / wanted, runners)]
        if wanted and steal >= max(LEAST, STOLEN * wanted)
        else []
    )


def _verdict(cpus: CpuTime, steal: float, share: float, runners: Runners | None) -> Verdict:
    return Verdict(
        subject=Subject(),
        headline=f"the hypervisor takes {percent(share)} of the CPU time that this machine wants",
        impact=Impact(
            min(0.9, share),
            steal * cpus.count,
            "cores",
            f"{number(round(steal * cpus.count, 2))} of {cpus.count} CPUs are not there when they are wanted",
        ),
        evidence=tuple(_evidence(cpus, steal, share, runners)),
        recommendations=(
            Recommendation(
                Code(
                    "the virtual machine",
                    "move it to another physical host (stop and start it), or to a type with CPUs of its own; of a "
                    "burstable type, look at its CPU credits first",
                ),
                f"{percent(share)} of the wanted time is stolen",
                "steal near 0",
                "medium",
                "it stops for the move",
                "host",
            ),
        ),
        will_not_help=(
            WillNotHelp("more threads or workers", "they want CPUs that are not there"),
            WillNotHelp("priorities inside this machine", "the hypervisor does not see them"),
        ),
        explains=EXPLAINS,
    )


def _evidence(cpus: CpuTime, steal: float, share: float, runners: Runners | None) -> Iterator[Evidence]:
    text = f"steal is {percent(steal)} of all time, and {percent(share)} of what was wanted"
    clear, labels = strength(share, STOLEN, CLEAR_STOLEN), (("mode", "steal"),)
    yield Evidence(
        "supports", "decides", text, "cpu_seconds_total", share, "ratio", STOLEN, "/proc/stat", clear, labels
    )
    worst = max((cpu.get("steal", 0.0) for cpu in cpus.by_cpu.values()), default=0.0)
    text = f"the CPU with most of it loses {percent(worst)}"
    yield Evidence("supports", "corroborates", text, "cpu_seconds_total", worst, "ratio", labels=labels)
    metric = "service_run_delay_seconds_total"
    if runners is None:
        yield Evidence("missing", "separates", "whether services wait longer was not looked at", metric)
        return
    waits = [each for each in runners.by_service.values() if each.waiting]
    worst_wait = max((each.wait_share for each in waits), default=0.0)
    kind = supports_if(worst_wait < 1.0)
    text = f"services wait for a CPU up to {percent(worst_wait)} of the time that they could run"
    yield Evidence(kind, "corroborates", text, metric, worst_wait, "ratio", None, "/proc/PID/schedstat")
