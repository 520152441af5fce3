"""A call keeps an event loop, and every request of the process waits until it returns.

Symptom: the latency of all routes moves together, of those as well that do next to nothing; throughput is one request
for each time that the call takes.

Cause: one thread runs all coroutines of the process. Code that computes, sleeps, or waits for a file, a name server or
a database without `await` keeps it.

Evidence: the loop's thread is seen in such a call, not in its look for events, in much of the time, and for one
request it stays there for 50 ms and more. A slow service behind that is awaited properly leaves the loop idle.

Recommendation: the call by name and line; give it to a thread (asyncio.to_thread), or take one that can be awaited.

Source: Python's asyncio documentation, "Developing with asyncio" (100 ms is what its debug mode warns at); measured:
p50 11 → 1,688 ms with the CPU idle.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from diagnose.correlate.attribution import Function
from diagnose.correlate.interval import wilson
from diagnose.correlate.rule import (
    Code,
    Evidence,
    Impact,
    Recommendation,
    RuledOut,
    Subject,
    Unknown,
    Verdict,
    WillNotHelp,
    strength,
    supports_if,
)
from diagnose.correlate.signals.event_loop import EventLoopOf, EventLoops
from diagnose.correlate.signals.process_cpu import Process, ProcessCpu
from diagnose.correlate.signals.requests import Requests
from diagnose.correlate.words import number, percent

EXPLAINS = ("app.acceptor_stalled", "app.hot_function", "app.layer_overhead", "network.accept_queue_overflow")

# of the loop's time at the low end of the 95 % interval; below that the others mostly find it free
KEPT_SHARE, CLEAR_SHARE = 0.25, 0.7
# s at a time; what a person notices, and half of what asyncio's debug mode warns at
LONG_SECONDS, CLEAR_SECONDS = 0.05, 0.2
# of the time that the loop is kept; below it the call waits, and a thread does that as well
COMPUTES_SHARE = 0.5


@dataclass(frozen=True, slots=True)
class _Kept:
    """One loop. `seconds` is how long it is kept at a time, of `per_second` times, which `what` names; None unknown."""

    loop: EventLoopOf
    process: Process
    seconds: float | None
    per_second: float | None
    what: str

    @property
    def call(self) -> Function:
        return self.loop.calls[0]

    @property
    def computes(self) -> bool:
        return self.loop.computing_share >= COMPUTES_SHARE

    @property
    def low(self) -> float:
        return wilson(self.loop.kept, self.loop.samples)[0]

    @property
    def labels(self) -> tuple[tuple[str, str], ...]:
        return (("pid", str(self.loop.pid)),)


def check(loops: EventLoops, cpu: ProcessCpu, requests: Requests | None) -> list[Verdict]:
    """One verdict an event loop that serves connections and is kept."""
    found = []
    for loop in loops.by_pid.values():
        process = cpu.by_pid.get(loop.pid)
        if process is None or not process.listeners or not loop.calls:
            continue
        kept = _kept(loop, process, requests)
        long = kept.seconds is None or kept.seconds >= LONG_SECONDS
        if kept.low >= KEPT_SHARE and long and not (kept.seconds is None and kept.computes):
            found.append(_verdict(kept))
    return found


def _kept(loop: EventLoopOf, process: Process, requests: Requests | None) -> _Kept:
    """By request where they are counted: a loop turns several times for each, mostly for next to nothing."""
    rate = requests.per_second(loop.service) if requests else None
    if rate:
        return _Kept(loop, process, loop.kept_share / rate, rate, "requests")
    return _Kept(loop, process, loop.turn_seconds, loop.turns_per_second, "turns of the loop")


def _verdict(kept: _Kept) -> Verdict:
    loop = kept.loop
    subject = Subject(loop.service, loop.pid)
    does = "computing" if kept.computes else "waiting"
    at_a_time = f", {number(round(1000 * kept.seconds))} ms at a time" if kept.seconds else ""
    return Verdict(
        subject=subject,
        headline=f"{subject.name}: its event loop is kept {percent(loop.kept_share)} of the time"
        f"{at_a_time}, {does} in {kept.call.short}",
        impact=Impact(
            loop.kept_share,
            loop.kept_share,
            "share of time",
            "meanwhile no other request of this process goes on, whatever it needs",
        ),
        evidence=tuple(_evidence(kept)),
        ruled_out=tuple(_ruled_out(kept)),
        recommendations=(_recommendation(kept),),
        will_not_help=(
            WillNotHelp("more coroutines or connections at a time", "they wait for the same thread"),
            WillNotHelp("a faster event loop (uvloop)", "its own work is not what takes the time"),
        ),
        unknown=()
        if kept.seconds
        else (Unknown("how long at a time", "neither requests nor turns of the loop were counted (eBPF)"),),
        explains=EXPLAINS,
    )


def _evidence(kept: _Kept) -> Iterator[Evidence]:
    loop, low = kept.loop, kept.low
    text = (
        f"the thread {loop.thread} was in a call in {percent(loop.kept_share)} of {loop.samples} samples, "
        f"at least {percent(low)} at the low end of the 95 % interval"
    )
    clear = strength(low, KEPT_SHARE, CLEAR_SHARE)
    yield Evidence(
        "supports",
        "decides",
        text,
        "",
        loop.kept_share,
        "ratio",
        KEPT_SHARE,
        "py-spy",
        clear,
        kept.labels,
        "wall",
    )
    if kept.seconds is None or kept.per_second is None:
        yield Evidence("missing", "decides", "how often it is kept was not counted", "epoll_wakeups_total")
    else:
        text = (
            f"at {number(round(kept.per_second, 1))} {kept.what} a second these are "
            f"{number(round(1000 * kept.seconds))} ms at a time"
        )
        clear = strength(kept.seconds, LONG_SECONDS, CLEAR_SECONDS)
        yield Evidence(
            "supports",
            "decides",
            text,
            "",
            kept.seconds,
            "s",
            LONG_SECONDS,
            "eBPF",
            clear,
            (("service", loop.service),),
        )
    text = f"{percent(loop.computing_share)} of that on a CPU: it {'computes' if kept.computes else 'waits'}"
    yield Evidence(
        "supports", "corroborates", text, "", loop.computing_share, "ratio", COMPUTES_SHARE, "py-spy"
    )
    top = kept.call.count / loop.kept
    text = f"{percent(top)} of it in {kept.call.place}"
    yield Evidence(
        supports_if(top >= 0.3),
        "corroborates",
        text,
        "",
        top,
        "ratio",
        0.3,
        "py-spy",
        1.0,
        kept.labels,
        "wall",
    )


def _ruled_out(kept: _Kept) -> Iterator[RuledOut]:
    text = f"who awaits a peer leaves the loop idle; it was idle in {percent(1 - kept.loop.kept_share)} of the samples"
    yield RuledOut("app.slow_dependency", text)
    if not kept.computes:
        cores = number(round(kept.process.cores, 2))
        yield RuledOut("app.hot_function", f"the process uses {cores} cores: the call waits")


def _recommendation(kept: _Kept) -> Recommendation:
    share = kept.call.count / kept.loop.samples
    formula = f"{kept.call.count} of {kept.loop.samples} samples of the loop's thread: {percent(share)}"
    if kept.computes:
        what = "give it to a process (ProcessPoolExecutor); a thread would share the interpreter's lock"
    else:
        what = "await asyncio.to_thread(…), or a client that can be awaited"
        if kept.loop.leaves and kept.loop.leaves[0].name != kept.call.name:
            what += f" instead of {kept.loop.leaves[0].short}"
    expected = f"the loop is free for others in {percent(share)} more of the time"
    return Recommendation(Code(kept.call.place, what), formula, expected, "medium", restart="service")
