"""`/histograms`: quantiles, means and heat maps of what collectors counted."""

from __future__ import annotations

import time
from collections import Counter

import numpy as np
import pytest

from collectors import wire
from collectors.histograms import bucket_of
from diagnose.models import Host
from tests.diagnose.web import recorded

pytestmark = pytest.mark.django_db


def counted(durations: list[float], seconds_ago: float = 10, port: str = "443", scheme: str = "loglin20"):
    """As a collector sends what it counted in one interval."""
    buckets = dict(Counter(bucket_of(scheme, duration) for duration in durations))
    at = time.time_ns() - int(seconds_ago * 1e9)
    return wire.Histogram(
        "tcp_rtt_seconds", {"port": port}, at, scheme, buckets, sum(durations), len(durations)
    )


@pytest.fixture
def two_ports(host: Host, valkey, data_dir) -> None:
    for ago in (50, 30, 10):
        recorded.send(host, counted([0.010] * 98 + [0.5] * 2, ago), counted([0.2] * 10, ago, "5432"))


def test_each_series_has_its_quantiles_whole_and_over_time(ask, host: Host, two_ports) -> None:
    fast, slow = ask("/histograms?metric=tcp_rtt_seconds&from=-2m&quantiles=0.5,0.99&points=12")["results"]
    assert (fast["host"]["name"], fast["labels"], fast["scheme"]) == ("web-1", {"port": "443"}, "loglin20")
    assert (fast["count"], slow["count"]) == (300, 30)
    assert fast["mean"] == pytest.approx((0.98 + 1) / 100)
    assert [each["quantile"] for each in fast["quantiles"]] == [0.5, 0.99]
    assert [each["seconds"] for each in fast["quantiles"]] == pytest.approx([0.010, 0.5], rel=0.05)
    assert fast["counts"] == [100, 100, 100]
    assert len(fast["times"]) == len(fast["means"]) == len(fast["over_time"][0]) == 3
    assert fast["over_time"][1] == pytest.approx([0.5] * 3, rel=0.05)
    assert slow["over_time"][0] == pytest.approx([0.2] * 3, rel=0.05)
    assert fast["heat_map"] is None


def test_merged_is_one_distribution_of_all_that_match(ask, host: Host, two_ports) -> None:
    (found,) = ask("/histograms?metric=tcp_rtt_seconds&from=-2m&merged=1&heat_map=1&points=12")["results"]
    assert (found["host"], found["labels"], found["count"]) == (None, {}, 330)
    drawn = found["heat_map"]
    counts = np.array(drawn["counts"])
    assert counts.shape == (len(drawn["times"]), len(drawn["edges"]) - 1)
    assert counts.sum(axis=1).tolist() == found["counts"]
    held = {
        round(drawn["edges"][place], 3): int(sum_) for place, sum_ in enumerate(counts.sum(axis=0)) if sum_
    }
    assert sorted(held.values()) == [6, 30, 294]
    (one,) = ask("/histograms?metric=tcp_rtt_seconds&from=-2m&merged=1&label.port=5432")["results"]
    assert (one["labels"], one["count"]) == ({"port": "5432"}, 30)


def test_two_schemes_are_two_distributions(ask, host: Host, valkey, data_dir) -> None:
    recorded.send(host, counted([0.01]), counted([0.01, 0.02], scheme="loglin4"))
    found = ask("/histograms?metric=tcp_rtt_seconds&merged=1")["results"]
    assert [(each["scheme"], each["count"]) for each in found] == [("loglin20", 1), ("loglin4", 2)]


def test_pages_of_series_follow_each_other(ask, host: Host, two_ports) -> None:
    page = ask("/histograms?metric=tcp_rtt_seconds&limit=1")
    assert [each["labels"]["port"] for each in page["results"]] == ["443"]
    rest = ask(page["next"].partition("/api/v1")[2])
    assert [each["labels"]["port"] for each in rest["results"]] == ["5432"]
    assert rest["next"] is None


def test_what_was_not_counted_is_an_empty_list(ask, host: Host, data_dir) -> None:
    assert ask("/histograms?metric=tcp_rtt_seconds")["results"] == []
    assert ask("/histograms?metric=tcp_rtt_seconds&merged=1")["results"] == []


@pytest.mark.parametrize(
    ("query", "field", "word"),
    [
        ("", "metric", "missing"),
        ("metric=x&quantiles=2", "quantiles", "from 0 to 1"),
        ("metric=x&quantiles=nan", "quantiles", "from 0 to 1"),
        ("metric=x&quantiles=0.5;0.9", "quantiles", "cannot be used"),
        ("metric=x&quantiles=" + ",".join(["0.5"] * 21), "quantiles", "up to 20"),
        ("metric=x&points=0", "points", "1 to 1000"),
        ("metric=x&heatmap=1", "heatmap", "not a parameter"),
    ],
)
def test_a_query_that_does_not_fit_names_the_field(
    ask, query: str, field: str, word: str, host: Host
) -> None:
    problem = ask(f"/histograms?{query}", status=422)
    assert field in problem["errors"]
    assert word in problem["detail"]
