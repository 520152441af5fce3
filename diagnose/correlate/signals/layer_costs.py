"""CPU of each service by layer, and what that is for one request."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass

from diagnose.correlate.attribution import Function, functions, is_waiting
from diagnose.correlate.layers import chain
from diagnose.correlate.layers.frames import layer_of
from diagnose.correlate.samples import Samples, Stack
from diagnose.correlate.signals.process_cpu import RECENT_SECONDS, ProcessCpu
from diagnose.correlate.signals.requests import Requests

READS = (
    "process_cpu_seconds_total",
    "listener_accept_queue_length",
    "ebpf_observed_seconds_total",
    "service_run_delay_seconds_total",
)
HISTOGRAMS = ("http_server_seconds",)
PROFILES = ("cpu",)


@dataclass(frozen=True, slots=True)
class LayerCostsOf:
    """One process. `layers` and `members` (of the middleware chain) are samples; `callers` the service's own functions
    by layer. `delayed` is threads that were ready and had no CPU, on average. `requests_per_second` is of the process;
    None uncounted."""

    pid: int
    service: str
    samples: int
    layers: Counter[str]
    members: Counter[str]
    callers: Mapping[str, tuple[Function, ...]]
    cores: float
    delayed: float
    busy_seconds: float
    listeners: tuple[str, ...]
    requests_per_second: float | None

    @property
    def wanted(self) -> float:
        """Cores that it would use if it got them."""
        return self.cores + self.delayed

    def share(self, layer: str) -> float:
        return self.layers[layer] / self.samples

    def request_seconds(self, samples: int) -> float | None:
        """CPU time that so many samples are of one request."""
        if not self.requests_per_second:
            return None
        return self.cores * samples / self.samples / self.requests_per_second


@dataclass(frozen=True, slots=True)
class LayerCosts:
    """By pid, of processes whose stacks were sampled."""

    by_pid: Mapping[int, LayerCostsOf]

    @classmethod
    def derive(cls, samples: Samples) -> LayerCosts | None:
        cpu, requests, profiles = (
            ProcessCpu.derive(samples),
            Requests.derive(samples),
            samples.profiles_of("cpu"),
        )
        if cpu is None or not profiles:
            return None
        rates = _shared_out(
            cpu,
            {each.service: requests.per_second(each.service) for each in requests.all} if requests else {},
        )
        delays = _shared_out(cpu, _delays(samples))
        found = {}
        for pid, profile in profiles.items():
            process = cpu.by_pid.get(pid)
            working = [each for each in profile.stacks if not is_waiting(each)]
            if process is None or not working:
                continue
            by_layer = _by_layer(working)
            found[pid] = LayerCostsOf(
                pid=pid,
                service=process.service,
                samples=sum(stack.count for stack in working),
                layers=Counter(
                    {layer: sum(each.count for each in stacks) for layer, stacks in by_layer.items()}
                ),
                members=chain.members(working),
                callers={layer: functions(stacks) for layer, stacks in by_layer.items()},
                cores=process.cores,
                delayed=delays.get(pid, 0.0),
                busy_seconds=process.seconds,
                listeners=process.listeners,
                requests_per_second=rates.get(pid),
            )
        return cls(found)


def _by_layer(stacks: list[Stack]) -> dict[str, list[Stack]]:
    found: dict[str, list[Stack]] = {}
    for stack in stacks:
        found.setdefault(layer_of(stack.frames), []).append(stack)
    return found


def _delays(samples: Samples) -> dict[str, float]:
    """Threads of each service that waited for a CPU, on average over the last minute."""
    since_ns, found = samples.end_ns - int(RECENT_SECONDS * 1e9), {}
    for series in samples.of("service_run_delay_seconds_total"):
        recent = series.since(since_ns)
        if len(recent.values) > 1:  # the first reading only marks where time begins
            seconds = float(recent.times_ns[-1] - recent.times_ns[0]) / 1e9
            found[series.labels.get("service", "")] = float(recent.values[1:].sum()) / seconds
    return found


def _shared_out(cpu: ProcessCpu, of_services: Mapping[str, float | None]) -> dict[int, float]:
    """What is known of a service, shared out among its processes as their CPU time is."""
    cores: dict[str, float] = {}
    for process in cpu.by_pid.values():
        cores[process.service] = cores.get(process.service, 0.0) + process.cores
    found = {}
    for process in cpu.by_pid.values():
        total = of_services.get(process.service)
        if total and cores[process.service] > 0:
            found[process.pid] = total * process.cores / cores[process.service]
    return found
