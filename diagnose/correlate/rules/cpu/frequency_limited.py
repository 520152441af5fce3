"""CPUs that are busy run slower than they can.

Symptom: the same work takes more CPU time than on its like, or than it did before; no reading of load explains it.

Cause: heat (a fan, dust, a power cap) makes the CPU slow itself down; or the settings allow it less than it can.

Evidence: the clock rate of busy CPUs against the best of their kind, with the count of thermal throttles, or with
what the settings allow. The name of a governor is no evidence: `powersave` of intel_pstate reaches the full rate.
Idle CPUs clock down by themselves. A virtual machine tells nothing of this.

Recommendation: cooling where heat does it; the highest rate that the settings allow where they do.

Source: Documentation/admin-guide/pm/cpufreq.rst, intel_pstate.rst; thermal_throttle in Linux arch/x86/kernel/cpu.
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
)
from diagnose.correlate.signals.clock_rates import ClockRate, ClockRates
from diagnose.correlate.signals.cpu_time import CpuTime
from diagnose.correlate.words import number, percent

EXPLAINS = ("app.hot_function", "cpu.single_thread_bound")

# of the best rate: turbo of all cores at once is some tenths below that of one
SLOW, CLEAR_SLOW = 0.7, 0.5
# of its time that a CPU is busy: below it, it may clock down by itself
BUSY = 0.7


def check(rates: ClockRates, cpus: CpuTime) -> list[Verdict]:
    """One verdict a host."""
    busy = [each for each in rates.cpus if each.cpu in cpus.by_cpu and 1 - cpus.idle_of(each.cpu) >= BUSY]
    if not busy:
        return []
    share = sum(each.now / each.best for each in busy) / len(busy)
    limited = [each for each in busy if each.allowed is not None and each.allowed < SLOW * each.best]
    return [_verdict(rates, busy, limited, share)] if share < SLOW and (rates.throttles or limited) else []


def _verdict(rates: ClockRates, busy: list[ClockRate], limited: list[ClockRate], share: float) -> Verdict:
    why = "heat slows them down" if rates.throttles else "their settings allow no more"
    return Verdict(
        subject=Subject(),
        headline=f"{len(busy)} busy CPUs run at {percent(share)} of their best clock rate: {why}",
        impact=Impact(
            min(0.9, 1 - share),
            1 - share,
            "ratio",
            f"all work takes {number(round(1 / share, 1))} times as long",
        ),
        evidence=tuple(_evidence(rates, busy, limited, share)),
        recommendations=tuple(_recommendations(rates, limited, share)),
        will_not_help=(
            WillNotHelp("another governor by its name", "what counts is the rate that is reached under load"),
        ),
        explains=EXPLAINS,
    )


def _evidence(
    rates: ClockRates, busy: list[ClockRate], limited: list[ClockRate], share: float
) -> Iterator[Evidence]:
    slowest = min(busy, key=lambda each: each.now / each.best)
    text = f"CPU {slowest.cpu} runs at {_gigahertz(slowest.now)} of {_gigahertz(slowest.best)}, and is busy"
    clear, metric = strength(share, SLOW, CLEAR_SLOW), "cpu_scaling_frequency_hertz"
    yield Evidence("supports", "decides", text, metric, share, "ratio", SLOW, "cpufreq", clear)
    if rates.throttles is None:
        yield Evidence(
            "missing", "separates", "whether heat slows it down is not counted", "cpu_core_throttles_total"
        )
    elif rates.throttles:
        text = f"heat slowed a CPU down {number(rates.throttles)} times in the window"
        metric = "cpu_core_throttles_total"
        yield Evidence("supports", "separates", text, metric, rates.throttles, "times", 0, "thermal_throttle")
    for each in limited[:1]:
        text = f"its settings allow {_gigahertz(each.allowed or 0.0)}"
        metric = "cpu_scaling_frequency_max_hertz"
        yield Evidence("supports", "separates", text, metric, each.allowed, "Hz", SLOW * each.best, "cpufreq")


def _gigahertz(hertz: float) -> str:
    return f"{number(round(hertz / 1e9, 2))} GHz"


def _recommendations(rates: ClockRates, limited: list[ClockRate], share: float) -> Iterator[Recommendation]:
    formula = f"{percent(share)} of the best rate under load"
    if rates.throttles:
        what = "look after its cooling (fans, dust, air flow) and power limits of its firmware"
        yield Recommendation(Code("the machine", what), formula, "no thermal throttles under load", "low")
    for each in limited[:1]:
        kilohertz = round(each.best / 1000)
        what = f"cpupower frequency-set --max {kilohertz}kHz, and what set it (tuned, TLP, the firmware)"
        yield Recommendation(
            Code("the CPUs' settings", what), formula, "the best rate under load", "low", "more power"
        )
