"""How long flame graphs, differences, lists of functions and filters take, on what a fleet leaves in a day."""

from __future__ import annotations

import gzip
import json
from collections.abc import Iterator
from pathlib import Path

from bench import _stored
from bench._columnar import Columnar
from bench._results import ROUNDS, Row, milliseconds, percentiles, row
from bench._stored import DAY, HOUR, MINUTE, SECOND, Fleet, Push

CALLS = 50
DAY_OF_FLEET = _stored.TODAY - 4 * DAY
DAY_OF_DETAIL = _stored.TODAY - 5 * DAY


def queries(folder: Path, fleet: Fleet) -> Iterator[Row]:
    """Everything is asked of the first service."""
    columns = Columnar(folder / "queries.duckdb")
    fill(fleet, columns)
    yield from graphs(fleet, columns)
    yield from differences(fleet)
    yield from lists(fleet)


def fill(fleet: Fleet, columns: Columnar) -> None:
    """A day of all hosts with a profile a minute; six hours of all hosts with one every ten seconds."""
    from diagnose.store import rollup

    pool, services = _stored.pool(2), fleet.services[:1]
    for begin, step, number in ((DAY_OF_FLEET, MINUTE, 1440), (DAY_OF_DETAIL, 10 * SECOND, 6 * 360)):
        for tick in range(number):
            pushes = [
                Push(
                    host.pk, tick + 1, begin + tick * step, [pool[(tick * 50 + at) % len(pool)]], _labels(at)
                )
                for at, host in enumerate(fleet.hosts)
            ]
            _stored.put(f"fill{step}", services, pushes)
            columns.load([(0, push.host_id, push.start_ns, push.profiles[0]) for push in pushes])
    rollup.roll_up()


def _labels(at: int) -> dict[str, str]:
    """Every tenth host runs the new version."""
    return {"pid": str(800 + at), "version": "2.0" if at % 10 == 0 else "1.9"}


def graphs(fleet: Fleet, columns: Columnar) -> Iterator[Row]:
    """An hour that is no whole one, so that no rollup helps; and the day of the fleet, which is all rollups."""
    from diagnose.store import flamegraph, profiles

    name, host = fleet.services[0].name, fleet.hosts[0].pk
    half = DAY_OF_DETAIL + HOUR // 2
    one, everyone = profiles.Selector(name, "cpu", (host,)), profiles.Selector(name, "cpu")

    def graph(selector: profiles.Selector, start_ns: int, end_ns: int) -> flamegraph.FlameGraph:
        return flamegraph.build(name, profiles.merge(selector, start_ns, end_ns))

    hour = milliseconds(lambda: graph(one, half, half + HOUR), CALLS)
    peer = [columns.merge_ms(0, [host], half, half + HOUR) for _ in range(CALLS)]
    yield from percentiles("flamegraph_1_host_1_hour", hour, 10, {"duckdb": peer})
    day = milliseconds(lambda: graph(everyone, DAY_OF_FLEET, DAY_OF_FLEET + DAY), CALLS)
    hosts = [host.pk for host in fleet.hosts]
    peer = [columns.merge_ms(0, hosts, DAY_OF_FLEET, DAY_OF_FLEET + DAY) for _ in range(ROUNDS)]
    yield from percentiles("flamegraph_50_hosts_24_hours", day, 40, {"duckdb": peer})
    for begin, density in ((DAY_OF_FLEET, "1"), (DAY_OF_DETAIL, "6")):
        six = milliseconds(lambda b=begin: graph(everyone, b, b + 6 * HOUR), CALLS)
        yield row(f"flamegraph_50_hosts_6_hours_{density}_profiles_a_minute", six, "ms", "lower", None)
    merged = profiles.merge(everyone, DAY_OF_FLEET, DAY_OF_FLEET + DAY)
    build = milliseconds(lambda: json.dumps(flamegraph.build(name, merged).as_json()), CALLS)
    yield row(f"flamegraph_json_of_{len(merged.stack_ids) // 1000}k_stacks", build, "ms", "lower", 20)
    body = gzip.compress(json.dumps(flamegraph.build(name, merged).as_json()).encode(), 6)
    yield row("flamegraph_json_gzipped", [len(body) / 1000], "kB", "lower", 60)


def differences(fleet: Fleet) -> Iterator[Row]:
    """An hour of one host against the hour before, and its JSON as the page gets it."""
    from diagnose.store import diff, profiles

    name, one = fleet.services[0].name, profiles.Selector(fleet.services[0].name, "cpu", (fleet.hosts[0].pk,))

    def hour(number: int) -> profiles.Merged:
        return profiles.merge(one, DAY_OF_DETAIL + number * HOUR, DAY_OF_DETAIL + (number + 1) * HOUR)

    yield row(
        "diff_of_two_hours",
        milliseconds(lambda: diff.build(name, hour(1), hour(2)), CALLS),
        "ms",
        "lower",
        15,
    )
    body = gzip.compress(json.dumps(diff.build(name, hour(1), hour(2)).as_json("normalised")).encode(), 6)
    yield row("diff_json_gzipped", [len(body) / 1000], "kB", "lower", 60)


def lists(fleet: Fleet) -> Iterator[Row]:
    """A day's functions of one host, and one version's over six hours of all hosts."""
    from diagnose.store import flamegraph, profiles

    name, host = fleet.services[0].name, fleet.hosts[0].pk
    one = profiles.Selector(name, "cpu", (host,))
    version = profiles.Selector(name, "cpu", labels={"version": "2.0"})
    yield row(
        "top_list_1_host_24_hours",
        milliseconds(
            lambda: flamegraph.top(name, profiles.merge(one, DAY_OF_FLEET, DAY_OF_FLEET + DAY)), CALLS
        ),
        "ms", "lower", 140,
    )  # fmt: skip
    yield row(
        "label_filter_50_hosts_6_hours",
        milliseconds(
            lambda: flamegraph.build(
                name, profiles.merge(version, DAY_OF_DETAIL, DAY_OF_DETAIL + 6 * HOUR)
            ),
            CALLS,
        ),
        "ms", "lower", 130,
    )  # fmt: skip
