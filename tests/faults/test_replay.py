"""Recorded runs judged again: what was right once stays right, and nothing that was read makes a rule fail."""

from __future__ import annotations

import dataclasses
import random

import numpy as np
import pytest

from diagnose.correlate import engine
from diagnose.correlate.samples import Samples, Series
from tests.diagnose.correlate import windows
from tests.faults.replay import BUNDLES, raw, replayed
from tests.faults.score import is_first, pairs

IDS = [path.name.removesuffix(".json.gz") for path in BUNDLES]


@pytest.mark.parametrize("path", BUNDLES, ids=IDS)
def test_the_cause_still_comes_first_with_nothing_beside_it_and_health_has_no_findings(path):
    result = replayed(path)
    assert result.surplus == []
    assert is_first(result) or not result.truth
    assert all(pairs([result]))


def _garbled(samples: Samples, seed: int) -> Samples:
    """Series lost, cut to one reading, shuffled, with NaN, infinite and negative numbers among them."""
    chance = random.Random(seed)
    series: dict[str, tuple[Series, ...]] = {}
    for metric, group in samples.series.items():
        kept = [_garbled_series(each, chance).known() for each in group if chance.random() < 0.7]
        kept = [each for each in kept if len(each.values)]
        chance.shuffle(kept)
        if kept:
            series[metric] = tuple(kept)
    facts = {name: chance.choice([value, "", "many", "-1", "0"]) for name, value in samples.facts.items()}
    histograms = {metric: group for metric, group in samples.histograms.items() if chance.random() < 0.7}
    return dataclasses.replace(samples, series=series, facts=facts, histograms=histograms)


def _garbled_series(series: Series, chance: random.Random) -> Series:
    values = series.values.copy()
    if chance.random() < 0.3:
        values[chance.randrange(len(values))] = chance.choice([np.nan, np.inf, -1.0, 1e300, 0.0])
    first = len(values) - 1 if chance.random() < 0.2 else 0
    return dataclasses.replace(series, times_ns=series.times_ns[first:], values=values[first:])


@pytest.mark.parametrize("path", BUNDLES[::4], ids=IDS[::4])
def test_no_reading_however_odd_makes_the_engine_fail(path):
    samples = windows.parsed(raw(path))
    for seed in range(6):
        for judgement in engine.evaluate(_garbled(samples, seed)).judgements:
            assert 0 <= judgement.confidence <= 1


@pytest.mark.parametrize("path", BUNDLES[::5], ids=IDS[::5])
def test_the_order_of_series_changes_nothing(path):
    samples = windows.parsed(raw(path))
    turned = {metric: group[::-1] for metric, group in samples.series.items()}
    before = engine.evaluate(samples).judgements
    after = engine.evaluate(dataclasses.replace(samples, series=turned)).judgements
    assert sorted((each.rule, each.verdict.headline) for each in before) == sorted(
        (each.rule, each.verdict.headline) for each in after
    )
