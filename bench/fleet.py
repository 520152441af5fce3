"""A simulated fleet against one machine: `python -m bench.fleet`.

Method: the product's own services (web, worker, beat and Valkey, as `manage.py up` runs them, on SQLite) and one more
process that is the whole fleet: each collector with its own host, token, kept connection and moment in the ten seconds.
A push is 400 points and two profiles of 100-200 stacks of depth 15-60, out of 400 a service and 20 services. The fleet
grows by steps (BENCH_STEPS hosts, BENCH_STEP_SECONDS each); a step is held when 95 of 100 batches were committed within
ten seconds of being sent, all hosts kept up and none was turned away. The largest step that was held is then measured
for BENCH_MINUTES. Lag is from sending to commit as the main database shows it, looked at every 0.2 s; CPU is of all
processes of a service, in cores; `hosts_per_core` divides the hosts by the cores that all services took together. The
generator runs on the same cores.
"""

from __future__ import annotations

import os
import statistics
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from bench import _results
from bench._collectors import Collector, Content, Fleet, Traffic
from bench._installation import installation
from bench._machine import started, usage_of, wait_for
from bench._results import Row, row

PORT = 18_520
MINUTES = float(os.environ.get("BENCH_MINUTES", "10"))
STEPS = [int(hosts) for hosts in os.environ.get("BENCH_STEPS", "125,250,500,1000").split(",")]
STEP_SECONDS = float(os.environ.get("BENCH_STEP_SECONDS", "60"))
WANTED = 1_000
HELD_LAG_SECONDS = 10.0
# The first batch of a host makes its series, which happens once in its life: a step begins after all have done that.
SETTLE_SECONDS = 20.0
LONGEST_SETTLE_SECONDS = 600.0


@dataclass(frozen=True, slots=True)
class Step:
    """What a fleet of one size did to the machine. `behind` batches were sent more than ten seconds before the end."""

    hosts: int
    seconds: float
    lags: list[float]
    behind: int
    refused: int
    failed: int
    batches: int
    bytes: int
    stored_bytes: int
    cores: dict[str, float]
    memory_mb: dict[str, float]

    @property
    def held(self) -> bool:
        enough = len(self.lags) > 1 and quantile(self.lags, 95) <= HELD_LAG_SECONDS
        return enough and not (self.behind or self.refused or self.failed)


class Watch(threading.Thread):
    """Sees when batches are committed, and how large the services become."""

    def __init__(self, fleet: Fleet, groups: dict[str, int]) -> None:
        super().__init__(daemon=True)
        self.fleet, self._groups = fleet, groups
        self._lock, self.ended = threading.Lock(), threading.Event()
        self.reset()

    def reset(self) -> None:
        with self._lock:
            self.lags: list[float] = []
            self.memory = dict.fromkeys(self._groups, 0)

    def run(self) -> None:
        from diagnose.models import IngestEpoch

        turn = 0
        while not self.ended.wait(0.2):
            committed = dict(IngestEpoch.objects.values_list("host_id", "committed_seq"))
            now = time.monotonic()
            with self._lock:
                for one in self.fleet.collectors:
                    self.lags += _committed_now(one, committed.get(one.host_id, 0), now)
                if turn % 10 == 0:
                    self._note_memory()
            turn += 1

    def _note_memory(self) -> None:
        for name, group in self._groups.items():
            self.memory[name] = max(self.memory[name], usage_of(group).rss_bytes)


def _committed_now(one: Collector, committed: int, now: float) -> Iterator[float]:
    one.committed_seq = committed
    for seq in list(one.sent_at):
        if seq > committed:
            return
        yield now - one.sent_at.pop(seq)


def main() -> None:
    os.environ["DIAGNOSE_PORT"] = str(PORT)
    with installation() as folder:
        from diagnose.management import services, static

        static.collect()
        parts = [services.valkey(folder), services.web(), *services.workers(), services.beat(folder)]
        with started(parts) as groups:
            wait_for(services.web_answers)
            steps = list(measured(folder / "telemetry", groups))
    _results.write("fleet", list(figures(steps)))


def measured(telemetry: Path, groups: dict[str, int]) -> Iterator[Step]:
    """The steps up to the first that was not held, then the longest look at the largest that was."""
    held = 0
    hosts, content = enrolled(max(STEPS)), Content()
    fleet = Fleet(("127.0.0.1", PORT), content, hosts[: STEPS[0]])
    watch = Watch(fleet, groups)
    watch.start()
    fleet.start()
    try:
        for size in STEPS:
            fleet.add(hosts[len(fleet.collectors) : size])
            step = look(fleet, watch, groups, telemetry, STEP_SECONDS)
            print(summary(step), flush=True)
            yield step
            if not step.held:
                break
            held = size
    finally:
        fleet.stop()
    if held:
        watch.fleet = Fleet(("127.0.0.1", PORT), content, hosts[:held])
        yield long_look(watch.fleet, watch, groups, telemetry)
    watch.ended.set()
    watch.join()


def long_look(fleet: Fleet, watch: Watch, groups: dict[str, int], telemetry: Path) -> Step:
    """A fleet of the size that was held, for as long as it was asked for."""
    fleet.start()
    try:
        step = look(fleet, watch, groups, telemetry, MINUTES * 60)
        print(summary(step), flush=True)
        return step
    finally:
        fleet.stop()


def look(fleet: Fleet, watch: Watch, groups: dict[str, int], telemetry: Path, seconds: float) -> Step:
    settle(fleet)
    fleet.traffic = Traffic()
    watch.reset()
    before = {name: usage_of(group).cpu_seconds for name, group in groups.items()}
    stored, began = size_of(telemetry), time.monotonic()
    time.sleep(seconds)
    took = time.monotonic() - began
    cores = {name: (usage_of(group).cpu_seconds - before[name]) / took for name, group in groups.items()}
    now = time.monotonic()
    late = [
        at for one in fleet.collectors for at in list(one.sent_at.values()) if now - at > HELD_LAG_SECONDS
    ]
    answers = fleet.traffic.answers
    return Step(
        hosts=len(fleet.collectors), seconds=took, lags=list(watch.lags), behind=len(late), refused=answers[429],
        failed=sum(n for status, n in answers.items() if status not in (202, 429)),
        batches=fleet.traffic.batches, bytes=fleet.traffic.bytes,
        stored_bytes=size_of(telemetry) - stored, cores=cores,
        memory_mb={name: bytes_ / 1e6 for name, bytes_ in watch.memory.items()},
    )  # fmt: skip


def settle(fleet: Fleet) -> None:
    ends = time.monotonic() + LONGEST_SETTLE_SECONDS
    while time.monotonic() < ends and not all(one.committed_seq for one in fleet.collectors):
        time.sleep(0.5)
    time.sleep(SETTLE_SECONDS)


def size_of(folder: Path) -> int:
    return sum(path.stat().st_size for path in folder.glob("*"))


def enrolled(number: int) -> list[Collector]:
    from diagnose.access import tokens
    from diagnose.models import Host, Token

    found = []
    for n in range(number):
        host = Host.objects.create(identity=f"{n:032x}", name=f"web-{n}")
        found.append(
            Collector(host.identity, tokens.issue(Token.Kind.HOST, label="bench", host=host), host.pk)
        )
    return found


def quantile(values: list[float], percent: int) -> float:
    return statistics.quantiles(values, n=100, method="inclusive")[percent - 1]


def summary(step: Step) -> str:
    lag = quantile(step.lags, 95) if len(step.lags) > 1 else float("nan")
    cores = ", ".join(f"{name} {value:.2f}" for name, value in step.cores.items())
    return (
        f"{step.hosts} hosts {'held' if step.held else 'NOT held'}: {step.batches} batches in {step.seconds:.0f} s, "
        f"lag p95 {lag:.1f} s, {step.behind} behind, {step.refused} refused, {step.failed} failed; cores: {cores}"
    )


def figures(steps: list[Step]) -> Iterator[Row]:
    """Of the last step that was held; when none was, of the smallest, which then says why."""
    held = [step for step in steps if step.held]
    chosen = held[-1] if held else steps[0]
    lags = chosen.lags or [float(HELD_LAG_SECONDS)] * 2
    yield row("fleet_hosts_held", [max((step.hosts for step in held), default=0)], "hosts", "higher", WANTED)
    yield row("fleet_minutes", [chosen.seconds / 60], "minutes", "higher", None)
    for name, value in (("p50", quantile(lags, 50)), ("p95", quantile(lags, 95)), ("max", max(lags))):
        yield row(f"fleet_lag_{name}", [value], "s", "lower", HELD_LAG_SECONDS if name == "p95" else None)
    for name, cores in chosen.cores.items():
        yield row(f"fleet_cpu_{name}", [cores], "cores", "lower", None)
        yield row(f"fleet_memory_{name}", [chosen.memory_mb[name]], "MB", "lower", None)
    yield row("fleet_hosts_per_core", [chosen.hosts / sum(chosen.cores.values())], "hosts", "higher", None)
    sent = chosen.bytes / max(chosen.batches, 1) * 360
    yield row("fleet_bytes_per_host_hour_on_the_wire", [sent], "bytes", "lower", None)
    stored = chosen.stored_bytes / chosen.hosts / chosen.seconds * 3_600
    yield row("fleet_bytes_per_host_hour_stored_unsealed", [stored], "bytes", "lower", None)
    yield row("fleet_refused", [chosen.refused], "answers", "lower", None)
    yield row("fleet_failed", [chosen.failed], "answers", "lower", None)


if __name__ == "__main__":
    main()
