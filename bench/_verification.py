"""How often verification is right about no change, a change of load alone, and a real change of a tenth.

Trials are drawn from `recordings/shop.json.gz`, which `python -m bench.recorded_load` makes in twenty minutes on a calm
machine, in runs of a minute, each side anew: ten minutes before and five after. In a real change the times of the side
after are nine tenths of what was recorded.
"""

from __future__ import annotations

import gzip
import json
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from bench._results import Row, row
from collectors.histograms import bounds, bucket_count
from diagnose.correlate.comparison.estimates import estimates
from diagnose.correlate.comparison.outcome import outcome
from diagnose.correlate.comparison.side import Latency, Ratio, Side
from diagnose.correlate.comparison.tiles import CPU_EACH, ERRORS, OF_USERS

RECORDING = Path(__file__).parent / "recordings" / "shop.json.gz"
TRIALS = 100
BEFORE_TILES, AFTER_TILES, RUN_TILES = 60, 30, 6
GAIN = 0.9


def rows() -> list[Row]:
    """Shares of trials, in percent; none without a recording."""
    if not RECORDING.exists():
        return []
    raw = json.loads(gzip.decompress(RECORDING.read_bytes()))
    steady, steps = _side(raw, "steady"), _side(raw, "steps")
    rates = [tile["rate"] for tile in raw["steps"]]
    draw = np.random.default_rng(1)
    return [
        _share(
            "no_change", lambda: (_drawn(steady, BEFORE_TILES, draw), _drawn(steady, AFTER_TILES, draw)), 5
        ),
        _share("load_change_alone", lambda: _other_load(steps, rates, draw), 5),
        _share(
            f"p99_down_a_tenth_at_{round(float(steady.load.mean()), -1):.0f}_requests_a_second_in_5_min",  # type: ignore[union-attr]
            lambda: (_drawn(steady, BEFORE_TILES, draw), _faster(_drawn(steady, AFTER_TILES, draw))),
            80,
            "higher",
        ),
    ]


def _share(name: str, trial: Callable[[], tuple[Side, Side]], target: float, better: str = "lower") -> Row:
    improved = [_verdict(*trial()) == "improved" for _ in range(TRIALS)]
    return row(f"improved_of_{TRIALS}_trials_{name}", [100 * sum(improved) / TRIALS], "%", better, target)


def _verdict(before: Side, after: Side) -> str:
    return outcome(estimates(before, after, OF_USERS), after).verdict


def _side(raw: dict[str, Any], name: str) -> Side:
    tiles, seconds = raw[name], raw["tile_seconds"]
    edges = np.array([*(bounds(raw["scheme"], b)[0] for b in range(bucket_count(raw["scheme"]))), 1e9])
    counts = np.zeros((len(tiles), len(edges) - 1))
    for place, tile in enumerate(tiles):
        for bucket, count in tile["buckets"]:
            counts[place, bucket] = count
    requests = counts.sum(axis=1)
    ratios = {
        ERRORS.name: Ratio(np.array([float(tile["errors"]) for tile in tiles]), requests),
        CPU_EACH.name: Ratio(np.array([tile["cpu_seconds"] for tile in tiles]), requests),
    }
    return Side(seconds, requests / seconds, ratios, Latency(counts, edges))


def _drawn(side: Side, tiles: int, draw: np.random.Generator) -> Side:
    """So many tiles, in runs that follow one another as they were recorded."""
    return _at(side, list(_runs(side.tiles, tiles, draw)))


def _runs(there: int, wanted: int, draw: np.random.Generator) -> Iterator[int]:
    for _ in range(wanted // RUN_TILES):
        start = int(draw.integers(0, there))
        yield from ((start + step) % there for step in range(RUN_TILES))


def _at(side: Side, places: list[int]) -> Side:
    assert side.load is not None
    assert side.latency is not None
    ratios = {
        name: Ratio(each.numerators[places], each.denominators[places]) for name, each in side.ratios.items()
    }
    latency = Latency(side.latency.counts[places], side.latency.edges)
    return Side(side.tile_seconds, side.load[places], ratios, latency)


def _other_load(side: Side, rates: list[float], draw: np.random.Generator) -> tuple[Side, Side]:
    """Half of the rates before, any rates after; a rate's minute is a run."""
    every = sorted(set(rates))
    mine = set(draw.choice(every, len(every) // 2, replace=False).tolist())

    def drawn(from_rates: list[float], tiles: int) -> Side:
        places: list[int] = []
        for rate in draw.choice(from_rates, tiles // RUN_TILES):
            places += [place for place, each in enumerate(rates) if each == rate]
        return _at(side, places)

    return drawn(sorted(mine), BEFORE_TILES), drawn(every, AFTER_TILES)


def _faster(side: Side) -> Side:
    assert side.latency is not None
    return replace(side, latency=Latency(side.latency.counts, side.latency.edges * GAIN))
