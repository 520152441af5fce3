"""How long charts take: many series of one host, and one metric of all hosts over a day."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from bench import _stored
from bench._results import Row, milliseconds, row
from bench._stored import DAY, HOUR, SECOND, Fleet

CALLS = 50
_DAY = _stored.TODAY - 7 * DAY


def queries(fleet: Fleet) -> Iterator[Row]:
    from diagnose.store import series

    fill(fleet)
    eighty = series.find([fleet.hosts[0].pk], "load")
    yield row(
        "80_series_6_hours_to_300_points",
        milliseconds(lambda: series.range_(eighty, _DAY + 6 * HOUR, _DAY + 12 * HOUR), CALLS),
        "ms", "lower", 15,
    )  # fmt: skip
    one_each = series.find((), "load", {"n": "0"})
    yield row(
        "max_over_50_hosts_24_hours",
        milliseconds(lambda: series.range_(one_each, _DAY, _DAY + DAY, agg="max"), CALLS),
        "ms", "lower", 35,
    )  # fmt: skip


def fill(fleet: Fleet) -> None:
    """A reading every ten seconds: 80 series of the first host, one of each other."""
    from diagnose.store import backend, serieskeys

    chance = np.random.default_rng(4)
    times = (_DAY + np.arange(8640) * 10 * SECOND).tolist()
    for host in fleet.hosts:
        wanted = 80 if host is fleet.hosts[0] else 1
        keys = [serieskeys.key_of("load", {"n": str(n)}) for n in range(wanted)]
        numbers = serieskeys.series_numbers(host, keys, [False] * wanted)
        _stored.put_points(host.pk, 10**6, numbers, times, chance.poisson(30, 8640 * wanted))
    backend.metric_store().seal(_stored.TODAY)
