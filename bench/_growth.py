"""What it costs to have kept a month: ingest of today, a day's graph, and a graph over all that is kept."""

from __future__ import annotations

from collections.abc import Iterator

from bench import _append, _stored
from bench._results import ROUNDS, Row, milliseconds, row
from bench._stored import DAY, MINUTE, Fleet, Push, rate

HOSTS = 10
DAYS = (1, 3, 10, 30)
_FIRST = _stored.TODAY - 30 * DAY


def curve(fleet: Fleet) -> Iterator[Row]:
    """Days are put in one after the other, with a profile a minute of each host; at each mark everything is timed."""
    from diagnose.store import rollup

    done = 0
    for mark in DAYS:
        for day in range(done, mark):
            fill(fleet, _FIRST + day * DAY, MINUTE)
        done = mark
        rollup.roll_up()
        yield from at_mark(fleet, mark)


def fill(fleet: Fleet, begin_ns: int, step_ns: int) -> None:
    pool, hosts = _stored.pool(3), fleet.hosts[:HOSTS]
    for tick in range(DAY // step_ns):
        pushes = [
            Push(
                host.pk, tick + 1, begin_ns + tick * step_ns, [pool[(tick + at) % len(pool)]], {"pid": "812"}
            )
            for at, host in enumerate(hosts)
        ]
        _stored.put(f"grow{begin_ns // DAY}", fleet.services[:1], pushes)


def at_mark(fleet: Fleet, days: int) -> Iterator[Row]:
    """The newest day's append rate; the graph of that day and of all days."""
    from diagnose.store import flamegraph, profiles

    name, end = fleet.services[0].name, _FIRST + days * DAY
    everyone = profiles.Selector(name, "cpu")

    def graph(start_ns: int) -> flamegraph.FlameGraph:
        return flamegraph.build(name, profiles.merge(everyone, start_ns, end))

    kept = f"{days}_days_kept"
    last, everything = (milliseconds(lambda s=s: graph(s), ROUNDS) for s in (end - DAY, _FIRST))
    # Last, because it makes rollups of the newest day stale.
    rates = [rate(more, fleet, days, n) for n in range(ROUNDS)]
    yield row(f"append_profiles_{kept}", rates, "profiles/s", "higher", None)
    yield row(f"flamegraph_last_day_{kept}", last, "ms", "lower", None)
    yield row(f"flamegraph_all_days_{kept}", everything, "ms", "lower", None)


def more(fleet: Fleet, days: int, number: int) -> int:
    """Into the newest day, in an hour of its own that is not asked for again."""
    pool, begin = _stored.pool(3), _FIRST + (days - 1) * DAY
    return sum(
        _stored.put(
            f"more{days}",
            fleet.services,
            [
                Push(
                    host.pk, number * 1000 + turn + 1, begin + turn * MINUTE, pool[at : at + 4], {"pid": "1"}
                )
                for at, host in enumerate(fleet.hosts[: _append.GROUP])
            ],
        )
        for turn in range(20)
    )
