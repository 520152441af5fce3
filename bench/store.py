"""The store path alone, in one process: `python -m bench.store`.

Method: profiles of 150-400 stacks (depth 15-60, out of 20,000 a service) are put in as batches of four, each batch one
transaction, as a worker does after decoding; points as batches of 400 series. Queries run on a day of 50 hosts with a
profile a minute, and on one hour of one host with a profile every ten seconds that touches no whole hour, so that no
rollup helps. `beside` is SQLite with a row per stack (or per point), the same batches and the same durability.
"""

from __future__ import annotations

import gzip
import json
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from bench import _results, _workload
from bench._installation import installation
from bench._results import ROUNDS, Row, milliseconds, percentiles, row
from bench._row_per_stack import RowPerStack

if TYPE_CHECKING:
    from diagnose.models import Host, Service

SECOND = 10**9
HOUR = 3600 * SECOND
DAY = time.time_ns() // (24 * HOUR) * 24 * HOUR - 2 * 24 * HOUR
HOSTS, SERVICES, SERIES = 50, 4, 400


def main() -> None:
    with installation() as folder:
        hosts, services = dictionary()
        rows = [
            *append_profiles(folder, hosts, services),
            *append_points(folder, hosts[0]),
            *profile_queries(hosts, services),
            *series_queries(hosts),
        ]
    _results.write("store", rows)


def dictionary() -> tuple[list[Host], list[Service]]:
    """Hosts, and services with all their stacks interned."""
    from diagnose.models import Host
    from diagnose.store.dictionary import FrameInfo, flattened, services_of, stack_numbers

    hosts = [Host.objects.create(identity=f"{n:032x}", name=f"web-{n}") for n in range(HOSTS)]
    services = list(services_of(f"shop-{n}" for n in range(SERVICES)).values())
    frames = [FrameInfo(*one, "") for one in _workload.functions()]
    for seed, service in enumerate(services):
        stacks = _workload.stacks(seed)
        stack_numbers(service, frames, flattened(stacks), ["MainThread"] * len(stacks))
    return hosts, services


def put_batch(
    host: Host, seq: int, start_ns: int, services: Sequence[Service], chosen: Sequence[_workload.Profile]
) -> None:
    from diagnose.store import backend
    from diagnose.store.rows import BatchKey, ProfileBatch, ProfileGroup, ProfileRow

    rows = [
        ProfileRow(
            group=ProfileGroup(service.pk, "cpu", "samples"),
            period_ns=10_000_000,
            start_ns=start_ns,
            end_ns=start_ns + 10 * SECOND,
            stack_ids=profile.numbers,
            counts=profile.counts,
            labels={"pid": str(800 + host.pk)},
        )
        for service, profile in zip(services, chosen, strict=True)
    ]
    backend.profile_store().append([ProfileBatch(BatchKey(host.pk, "b", seq), rows)])


def append_profiles(folder: Path, hosts: list[Host], services: list[Service]) -> Iterator[Row]:
    """An hour of 50 hosts in ROUNDS parts; then its bytes, rolled up."""
    from diagnose.store import days, rollup

    pool = _workload.profiles(1, 2_000)
    ticks = np.array_split(np.arange(360), ROUNDS + 1)
    rates, peers, seq = [], [], 0
    peer = RowPerStack(folder / "rows.sqlite3")
    for part in ticks:
        batches = [
            (host, tick, [pool[(seq + n) * 7 % len(pool)] for n in range(SERVICES)])
            for tick in part.tolist()
            for host in hosts
            if (seq := seq + 1)
        ]
        began = time.perf_counter()
        for number, (host, tick, chosen) in enumerate(batches):
            put_batch(host, tick * 1_000 + number + 1, DAY + tick * 10 * SECOND, services, chosen)
        rates.append(len(batches) * SERVICES / (time.perf_counter() - began))
        began = time.perf_counter()
        for host, tick, chosen in batches[:150]:
            peer.append(host.pk, DAY + tick * 10 * SECOND, chosen)
        peers.append(150 * SERVICES / (time.perf_counter() - began))
    yield row(
        "append_profiles", rates[1:], "profiles/s", "higher", 20_000, {"sqlite_row_per_stack": peers[1:]}
    )
    rollup.roll_up()
    profiles = seq * SERVICES
    size = sum(days.size_bytes(days.day_of(DAY), kind) for kind in ("raw", "rollup"))
    rows = peer.size_bytes() / ((ROUNDS + 1) * 150 * SERVICES)
    yield row(
        "bytes_per_profile_with_rollups",
        [size / profiles],
        "bytes",
        "lower",
        620,
        {"sqlite_row_per_stack": [rows]},
    )


def append_points(folder: Path, host: Host) -> Iterator[Row]:
    """A day of 400 series every ten seconds, one batch a reading; then its bytes, sealed."""
    from diagnose.store import backend, serieskeys
    from diagnose.store.rows import BatchKey, MetricBatch, PointColumns

    day = DAY - 24 * HOUR
    keys = [serieskeys.key_of(f"metric_{n % 40}", {"cpu": str(n // 40)}) for n in range(SERIES)]
    numbers = np.array(serieskeys.series_numbers(host, keys, [True] * SERIES), np.uint32)
    chance = np.random.default_rng(3)
    level = chance.gamma(1.0, 50, SERIES)
    peer = RowPerStack(folder / "points.sqlite3")
    rates, peers = [], []
    for part in np.array_split(np.arange(8640), ROUNDS + 1):
        readings = [
            PointColumns(
                numbers,
                np.full(SERIES, day + tick * 10 * SECOND + int(chance.integers(0, 20_000_000))),
                np.where(level < 5, np.rint(level), chance.poisson(level)).astype(float),
            )
            for tick in part.tolist()
        ]
        began = time.perf_counter()
        for tick, points in zip(part.tolist(), readings, strict=True):
            backend.metric_store().append([MetricBatch(BatchKey(host.pk, "p", tick + 1), points)])
        rates.append(len(readings) * SERIES / (time.perf_counter() - began))
        rows = [
            list(zip(one.series.tolist(), (one.times_ns // 10**6).tolist(), one.values.tolist(), strict=True))
            for one in readings[:200]
        ]
        began = time.perf_counter()
        for reading in rows:
            peer.append_points(reading)
        peers.append(len(rows) * SERIES / (time.perf_counter() - began))
    yield row(
        "append_points", rates[1:], "points/s", "higher", 2_000_000, {"sqlite_row_per_point": peers[1:]}
    )
    began = time.perf_counter()
    backend.metric_store().seal(day + 48 * HOUR)
    yield row("seal_points", [8640 * SERIES / (time.perf_counter() - began)], "points/s", "higher", None)
    yield from point_bytes(day, peer.size_bytes() / ((ROUNDS + 1) * 200 * SERIES))


def point_bytes(day: int, peer: float) -> Iterator[Row]:
    """What the sealed chunks take, from the file's own page statistics."""
    import sqlite3

    from diagnose.store import days

    with sqlite3.connect(days.path_of(days.day_of(day), "raw")) as sql:
        used = sql.execute(
            "SELECT sum(pgsize) FROM dbstat WHERE name IN ('chunk', 'chunk_times')"
        ).fetchone()[0]
    yield row(
        "bytes_per_point_sealed",
        [used / (8640 * SERIES)],
        "bytes",
        "lower",
        1.5,
        {"sqlite_row_per_point": [peer]},
    )
    yield row("mb_per_host_day_of_400_series", [used / 1e6], "MB", "lower", 6)


def profile_queries(hosts: list[Host], services: list[Service]) -> Iterator[Row]:
    """Flame graphs of one host's hour and of a day of all hosts, and the page's JSON."""
    from diagnose.store import flamegraph, profiles, rollup

    day = DAY + 24 * HOUR
    pool = _workload.profiles(2, 2_000)
    for minute in range(24 * 60):
        for host in hosts:
            put_batch(
                host,
                10**6 + minute,
                day + minute * 60 * SECOND,
                services[:1],
                [pool[(minute * 50 + host.pk) % 2000]],
            )
    rollup.roll_up()
    name, half = services[0].name, DAY + HOUR // 2
    hour = profiles.Selector(name, "cpu", (hosts[0].pk,))
    for tick in range(360, 720):
        put_batch(hosts[0], 2 * 10**6 + tick, DAY + tick * 10 * SECOND, services[:1], [pool[tick]])
    everything = profiles.Selector(name, "cpu")

    def graph(selector: profiles.Selector, start_ns: int, end_ns: int) -> flamegraph.FlameGraph:
        return flamegraph.build(name, profiles.merge(selector, start_ns, end_ns))

    yield from percentiles(
        "flamegraph_1_host_1_hour", milliseconds(lambda: graph(hour, half, half + HOUR), 50), 10
    )
    whole = milliseconds(lambda: graph(everything, day, day + 24 * HOUR), 50)
    yield from percentiles("flamegraph_50_hosts_24_hours", whole, 40)
    merged = profiles.merge(everything, day, day + 24 * HOUR)
    build = milliseconds(lambda: json.dumps(flamegraph.build(name, merged).as_json()), ROUNDS)
    yield row(f"flamegraph_json_of_{len(merged.stack_ids) // 1000}k_stacks", build, "ms", "lower", 20)
    body = gzip.compress(json.dumps(flamegraph.build(name, merged).as_json()).encode(), 6)
    yield row("flamegraph_json_gzipped", [len(body) / 1000], "kB", "lower", 60)
    top = milliseconds(
        lambda: flamegraph.top(
            name, profiles.merge(profiles.Selector(name, "cpu", (hosts[0].pk,)), day, day + 24 * HOUR)
        ),
        ROUNDS,
    )
    yield row("top_list_1_host_24_hours", top, "ms", "lower", 140)


def series_queries(hosts: list[Host]) -> Iterator[Row]:
    """Charts: 80 series of one host, and one metric of all hosts over a day."""
    from diagnose.store import backend, series, serieskeys
    from diagnose.store.rows import BatchKey, MetricBatch, PointColumns

    day = DAY - 2 * 24 * HOUR
    times = day + np.arange(8640) * 10 * SECOND
    chance = np.random.default_rng(4)
    for host in hosts:
        wanted = 80 if host is hosts[0] else 1
        keys = [serieskeys.key_of("load", {"n": str(n)}) for n in range(wanted)]
        numbers = serieskeys.series_numbers(host, keys, [False] * wanted)
        columns = PointColumns(
            np.repeat(np.array(numbers, np.uint32), 8640),
            np.tile(times, wanted),
            chance.poisson(30, 8640 * wanted).astype(float),
        )
        backend.metric_store().append([MetricBatch(BatchKey(host.pk, "q", 1), columns)])
    backend.metric_store().seal(day + 48 * HOUR)
    eighty = series.find([hosts[0].pk], "load")
    yield row(
        "80_series_6_hours_to_300_points",
        milliseconds(lambda: series.range_(eighty, day + 6 * HOUR, day + 12 * HOUR), ROUNDS),
        "ms", "lower", 15,
    )  # fmt: skip
    one_each = series.find((), "load", {"n": "0"})
    yield row(
        "max_over_50_hosts_24_hours",
        milliseconds(lambda: series.range_(one_each, day, day + 24 * HOUR, agg="max"), ROUNDS),
        "ms", "lower", 35,
    )  # fmt: skip


if __name__ == "__main__":
    main()
