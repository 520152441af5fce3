"""One layer beside the service's own code takes most of its CPU time.

Symptom: the service is short of CPU although its own code does little: requests are slow, or no more of them fit.

Cause: a layer that each request passes is dear: JSON of large objects, an ORM that builds thousands of rows, templates,
compression, a regular expression that tries all ways, TLS without resumption, logging that formats too much.

Evidence: of the on-CPU samples of a process that serves connections and wants a core, half and more are of one layer,
at the low end of their 95 % interval. Frames are told by a reviewed file of patterns; where requests are counted it is
told in microseconds a request, and middleware member by member.

Recommendation: the dearest layer first, the own function that calls it most, and what half of it is worth (Amdahl).

Source: diagnose/correlate/layers/patterns.toml; Amdahl 1967; Wilson 1927.
"""

from __future__ import annotations

from collections.abc import Iterator

from diagnose.correlate.interval import speed_up, wilson
from diagnose.correlate.layers.frames import OTHER, OWN, layers
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
)
from diagnose.correlate.signals.layer_costs import LayerCosts, LayerCostsOf
from diagnose.correlate.words import number, percent

EXPLAINS = (
    "app.acceptor_stalled",
    "app.hot_function",
    "network.accept_queue_overflow",
    "python.gil_contention",
)

# of on-CPU samples at the low end of the interval; then it is worth more than everything else together
SHARE, CLEAR_SHARE = 0.5, 0.75
# cores; at 80 % of the one that an interpreter can use, queueing doubles the time of a request several times over
BUSY_CORES, CLEAR_CORES = 0.8, 0.95
# s of CPU readings; a service that starts computes for some seconds
LEAST_SECONDS = 30.0
# samples; fewer leave the interval wider than ±0.13
LEAST_SAMPLES = 60
MOST_LAYERS, MOST_MEMBERS = 6, 8
# Not overhead: what the service is for, and what nobody knows.
_NO_OVERHEAD = (OWN, OTHER)
_TODO = {
    "serialisation": "write less of it, keep the result, or take a quicker encoder (orjson, msgspec)",
    "database": "fetch fewer rows and columns (values(), only()), or ask once for many",
    "template": "cache the fragment or the whole page",
    "compression": "a lower level, or let the proxy in front compress",
    "regex": "an expression without nested repetition; compile it once; plain string methods where they do",
    "logging": "fewer lines, and arguments instead of formatted text",
    "tls": "keep connections, resume sessions, or let a proxy in front do it",
    "crypto": "keep what was derived or verified; fewer rounds only where that is safe",
    "memory": "allocate less: keep buffers, avoid copies; gc.freeze() after the start",
    "middleware": "leave out members that this service does not need",
    "import": "import at the start",
    "cache": "ask for many keys at once; smaller values",
    "client": "keep connections; ask for less, or at once",
    "kernel_network": "fewer and larger writes and reads",
}


def check(costs: LayerCosts) -> list[Verdict]:
    """One verdict a busy process that serves connections."""
    return [
        _verdict(each, _dearest(each))
        for each in costs.by_pid.values()
        if _is_busy(each) and _dominates(each)
    ]


def _is_busy(costs: LayerCostsOf) -> bool:
    return costs.wanted >= BUSY_CORES and costs.busy_seconds >= LEAST_SECONDS and bool(costs.listeners)


def _dearest(costs: LayerCostsOf) -> str:
    return costs.layers.most_common(1)[0][0]


def _dominates(costs: LayerCostsOf) -> bool:
    layer = _dearest(costs)
    low, _ = wilson(costs.layers[layer], costs.samples)
    return layer not in _NO_OVERHEAD and costs.samples >= LEAST_SAMPLES and low >= SHARE


def _title(layer: str) -> str:
    return next(each.title for each in layers() if each.id == layer)


def _microseconds(costs: LayerCostsOf, samples: int) -> str:
    """Empty where requests are not counted."""
    seconds = costs.request_seconds(samples)
    return f"{number(round(1e6 * seconds))} µs a request" if seconds else ""


def _verdict(costs: LayerCostsOf, layer: str) -> Verdict:
    subject, share = Subject(costs.service, costs.pid), costs.share(layer)
    each = _microseconds(costs, costs.layers[layer])
    cores = share * costs.cores
    of_all = number(round(costs.cores, 2))
    text = f"{number(round(cores, 2))} of {of_all} cores go into {_title(layer)}; requests queue for the rest"
    return Verdict(
        subject=subject,
        headline=f"{subject.name} spends {percent(share)} of its CPU time on {_title(layer)}"
        + (f", {each}" if each else ""),
        impact=Impact(share * min(1.0, costs.wanted), cores, "cores", text),
        evidence=tuple(_evidence(costs, layer)),
        ruled_out=tuple(_ruled_out(costs)),
        recommendations=tuple(_recommendations(costs, layer)),
        will_not_help=(_next_layer(costs),) if len(costs.layers) > 1 else (),
        unknown=() if each else (Unknown("µs a request", "requests of this service are not counted (eBPF)"),),
        explains=EXPLAINS,
    )


def _evidence(costs: LayerCostsOf, layer: str) -> Iterator[Evidence]:
    labels, count = (("pid", str(costs.pid)),), costs.layers[layer]
    low, high = wilson(count, costs.samples)
    text = (
        f"{_title(layer)} has {percent(count / costs.samples)} of {costs.samples} on-CPU samples "
        f"(95 % interval {percent(low)}–{percent(high)})"
    )
    clear = strength(low, SHARE, CLEAR_SHARE)
    yield Evidence(
        "supports", "decides", text, "", count / costs.samples, "ratio", SHARE, "py-spy", clear, labels, "cpu"
    )
    text = f"the process used {number(round(costs.cores, 2))} cores over the last {costs.busy_seconds:.0f} s"
    if costs.cores < BUSY_CORES:
        text += f", and waited for a CPU with {number(round(costs.delayed, 2))} threads"
    clear, metric = strength(costs.wanted, BUSY_CORES, CLEAR_CORES), "process_cpu_seconds_total"
    yield Evidence(
        "supports", "decides", text, metric, costs.cores, "cores", BUSY_CORES, "/proc/PID/stat", clear, labels
    )
    text = f"somebody waits for it: it serves {', '.join(costs.listeners)}"
    yield Evidence("supports", "separates", text, "listener_accept_queue_length", labels=labels)
    yield Evidence("supports", "corroborates", f"by layer: {_listed(costs)}", labels=labels, profile="cpu")
    if costs.members:
        named = [f"{name} {_worth(costs, of)}" for name, of in costs.members.most_common(MOST_MEMBERS)]
        yield Evidence(
            "supports", "corroborates", f"middleware: {', '.join(named)}", labels=labels, profile="cpu"
        )


def _listed(costs: LayerCostsOf) -> str:
    return ", ".join(
        f"{_title(each)} {_worth(costs, of)}" for each, of in costs.layers.most_common(MOST_LAYERS)
    )


def _worth(costs: LayerCostsOf, samples: int) -> str:
    return _microseconds(costs, samples) or percent(samples / costs.samples)


def _ruled_out(costs: LayerCostsOf) -> Iterator[RuledOut]:
    own = costs.layers[OWN] / costs.samples
    yield RuledOut("app.function_regression", f"the service's own code has {percent(own)} itself")


def _recommendations(costs: LayerCostsOf, layer: str) -> Iterator[Recommendation]:
    share, (low, high) = costs.share(layer), wilson(costs.layers[layer], costs.samples)
    caller = costs.callers[layer][0]
    part = caller.count / costs.layers[layer]
    formula = (
        f"{percent(part)} of the layer is called by {caller.short}; Amdahl at a share of {percent(share)} "
        f"({percent(low)}–{percent(high)})"
    )
    expected = (
        f"half of it: {number(speed_up(share, 2))} times the throughput "
        f"({number(speed_up(low, 2))}–{number(speed_up(high, 2))})"
    )
    what = _TODO.get(layer, "do it less often, or keep the result")
    yield Recommendation(Code(caller.place, what), formula, expected, "medium", restart="service")


def _next_layer(costs: LayerCostsOf) -> WillNotHelp:
    layer, count = costs.layers.most_common(2)[1]
    share = count / costs.samples
    best = number(speed_up(share, 1e9))
    reason = f"{_title(layer)}, the next one, has {percent(share)}: at best {best} times the throughput"
    return WillNotHelp("tune other layers first", reason)
