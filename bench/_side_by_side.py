"""Two writers at full speed beside a reader: what they write, how long it waits, and that none meets a lock."""

from __future__ import annotations

import multiprocessing
import time
from collections.abc import Iterator
from multiprocessing.queues import Queue
from multiprocessing.synchronize import Event

from bench import _append, _stored
from bench._results import ROUNDS, Row, percentiles, row
from bench._stored import DAY, HOUR, MINUTE, SECOND, SERVICES, Fleet, Push

SECONDS = 5.0
_DAY = _stored.TODAY - 6 * DAY


def run(fleet: Fleet) -> Iterator[Row]:
    """A round is a few seconds of both writers, each for hosts of its own, on a day that the reader reads too."""
    rates, waits, errors = [], [], 0
    for number in range(ROUNDS + 1):
        written, waited, failed = one_round(fleet, number)
        errors += failed
        if number:
            rates.append(written / SECONDS)
            waits += waited
    yield row("two_writers_beside_a_reader", rates, "profiles/s", "higher", 15_000)
    yield from percentiles("reader_beside_two_writers", waits, 60)
    yield row("lock_errors_beside", [errors], "errors", "lower", 0)


def one_round(fleet: Fleet, number: int) -> tuple[int, list[float], int]:
    """Profiles written, the reader's times in ms, and errors of any kind."""
    spawn = multiprocessing.get_context("spawn")
    go, stop, told = spawn.Event(), spawn.Event(), spawn.Queue()
    writers = [spawn.Process(target=write, args=(half, number, go, stop, told)) for half in range(2)]
    for writer in writers:
        writer.start()
    try:
        for _ in writers:
            told.get(timeout=60)  # both have what they write in memory
        go.set()
        waits = read_for(fleet)
        stop.set()
        written = [told.get(timeout=60) for _ in writers]
    finally:
        for writer in writers:
            writer.join(10)
            writer.kill()
    return sum(done for done, _ in written), waits, sum(failed for _, failed in written)


def read_for(fleet: Fleet) -> list[float]:
    """An hour of one host, again and again, each time another host."""
    from diagnose.store import flamegraph, profiles

    waits, until, name = [], time.perf_counter() + SECONDS, fleet.services[0].name
    while (began := time.perf_counter()) < until:
        host = fleet.hosts[len(waits) % len(fleet.hosts)].pk
        flamegraph.build(name, profiles.merge(profiles.Selector(name, "cpu", (host,)), _DAY, _DAY + HOUR))
        waits.append((time.perf_counter() - began) * 1000)
        time.sleep(0.02)
    return waits


def write(half: int, number: int, go: Event, stop: Event, told: Queue[tuple[int, int]]) -> None:
    """A writer's process."""
    import django

    django.setup()
    from diagnose.models import Host, Service

    hosts = list(Host.objects.order_by("pk").values_list("pk", flat=True))[half::2]
    services = list(Service.objects.order_by("pk"))[:SERVICES]
    pool = _stored.pool(1)
    told.put((0, 0))
    go.wait(60)
    written = failed = tick = 0
    while not stop.is_set():
        tick += 1
        start_ns = _DAY + (number * 7 % 60) * MINUTE + tick % 60 * SECOND
        pushes = [
            Push(
                host, number * 10**6 + tick, start_ns, pool[(tick + at) % 1_000 :][:SERVICES], {"pid": "812"}
            )
            for at, host in enumerate(hosts[: _append.GROUP])
        ]
        try:
            written += _stored.put(f"beside{half}", services, pushes)
        except Exception as error:  # noqa: BLE001  (whatever it is, it is counted and shown)
            print(f"writer {half}: {error!r}")
            failed += 1
    told.put((written, failed))
