"""Windows of services that run and wait, made by hand: ten-second passes of two CPUs."""

from __future__ import annotations

from collections.abc import Mapping

from diagnose.correlate.samples import Samples
from tests.diagnose.correlate.windows import synthetic

STEPS = 5


def service(
    pid: int,
    cores: float,
    waiting: float = 0.0,
    a_wait: float = 0.004,
    listens: bool = False,
    realtime: float = 0.0,
    held: float = 0.0,
    allowed: int = 2,
) -> dict[str, float]:
    """Per second; `a_wait` in seconds each time."""
    return {
        "pid": pid,
        "cores": cores,
        "waiting": waiting,
        "slices": waiting / a_wait,
        "listens": listens,
        "realtime": realtime,
        "held": held,
        "allowed": allowed,
    }


def window(
    services: Mapping[str, Mapping[str, float]],
    idle: tuple[float, float] = (0.0, 0.0),
    facts: Mapping[str, str] | None = None,
    **modes: float,
) -> Samples:
    """`idle` is the share of each CPU; `modes` are further shares of both."""
    readings: dict[str, list[tuple[dict[str, str], list[float]]]] = {}

    def add(metric: str, labels: dict[str, str], value: float) -> None:
        readings.setdefault(metric, []).append((labels, [value] * STEPS))

    for name, each in services.items():
        mine, process = {"service": name}, {"service": name, "pid": str(each["pid"])}
        add("process_cpu_seconds_total", process, 10 * each["cores"])
        add("process_allowed_cpus", process, each["allowed"])
        add("service_run_seconds_total", mine, 10 * each["cores"])
        add("service_run_delay_seconds_total", mine, 10 * (each["waiting"] + each["held"]))
        add("service_run_slices_total", mine, 10 * each["slices"])
        add("service_realtime_threads", mine, each["realtime"])
        if each["held"]:
            add("cgroup_cpu_throttled_seconds_total", mine, 10 * each["held"])
        if each["listens"]:
            add("listener_accept_queue_length", {**process, "listener": "0.0.0.0:80"}, 0)
    for cpu, share in enumerate(idle):
        shares = {"idle": share, **modes, "user": 1 - share - sum(modes.values())}
        for mode, value in shares.items():
            add("cpu_seconds_total", {"cpu": str(cpu), "mode": mode}, 10 * value)
    return synthetic(readings, step=10.0, facts={"cpu.count": "2", **(facts or {})})
