"""Reads recorded windows (tests/fixtures/windows) and makes small ones by hand for the edges no recording has."""

from __future__ import annotations

import dataclasses
import gzip
import json
from collections.abc import Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np

from diagnose.correlate.samples import Frame, Histogram, Profile, Samples, Series, Stack

FOLDER = Path(__file__).parents[2] / "fixtures" / "windows"
BUNDLES = FOLDER.parent / "bundles"
START_NS = 1_800_000_000 * 10**9


@cache
def recorded(name: str) -> Samples:
    """One window as the collector's probes and sampler saw it; bundles of the fault corpus too."""
    bundle = BUNDLES / f"{name}.json.gz"
    text = gzip.decompress(bundle.read_bytes()) if bundle.exists() else (FOLDER / f"{name}.json").read_bytes()
    return parsed(json.loads(text))


def parsed(raw: Mapping[str, Any]) -> Samples:
    """The window of a recording."""
    series: dict[str, list[Series]] = {}
    for row in raw["series"]:
        times = np.array(row["times"], np.int64) * 10**6
        values = np.array(row["values"], np.float64)
        series.setdefault(row["metric"], []).append(
            Series(row["metric"], row["labels"], times, values, row["counter"])
        )
    return Samples(
        raw["host"],
        raw["start_ms"] * 10**6,
        raw["end_ms"] * 10**6,
        {metric: tuple(group) for metric, group in series.items()},
        raw["facts"],
        tuple(_profile(each) for each in raw["profiles"]),
        histograms=_histograms(raw.get("histograms", ())),
    )


def _histograms(rows: Sequence[Mapping[str, Any]]) -> dict[str, tuple[Histogram, ...]]:
    """Windows that were recorded before rules read histograms have none."""
    found: dict[str, list[Histogram]] = {}
    for row in rows:
        counts = np.zeros((len(row["times"]), len(row["edges"]) - 1), np.int64)
        for at, buckets in enumerate(row["counts"]):
            for bucket, count in buckets:
                counts[at, bucket] = count
        times, edges, sums = np.array(row["times"], np.int64), np.array(row["edges"]), np.array(row["sums"])
        one = Histogram(row["metric"], row["labels"], times * 10**6, edges, counts, sums)
        found.setdefault(row["metric"], []).append(one)
    return {metric: tuple(group) for metric, group in found.items()}


def _profile(raw: Mapping[str, Any]) -> Profile:
    stacks = tuple(
        Stack(thread, tuple(Frame(*frame) for frame in frames), count)
        for thread, count, frames in raw["stacks"]
        if frames
    )
    told = raw["service"], raw["pid"], raw["type"], raw["period_ns"], raw["seconds"]
    return Profile(*told, stacks, native=raw.get("native", False))


def without(
    samples: Samples, *metrics: str, profiles: Sequence[str] = (), facts: Sequence[str] = ()
) -> Samples:
    """The same window as a collector without these probes would have seen it."""
    return dataclasses.replace(
        samples,
        series={
            name: group for name, group in samples.series.items() if not name.startswith(metrics or ("-",))
        },
        histograms={
            name: group
            for name, group in samples.histograms.items()
            if not name.startswith(metrics or ("-",))
        },
        profiles=tuple(each for each in samples.profiles if each.type not in profiles),
        facts={name: value for name, value in samples.facts.items() if name not in facts},
    )


def until(samples: Samples, seconds: float) -> Samples:
    """The window as it was so long after its beginning. Profiles are kept whole: they have no times."""
    end_ns = samples.start_ns + int(seconds * 1e9)
    series = {}
    for metric, group in samples.series.items():
        cut = []
        for each in group:
            last = int(np.searchsorted(each.times_ns, end_ns, side="right"))
            if last:
                cut.append(
                    dataclasses.replace(each, times_ns=each.times_ns[:last], values=each.values[:last])
                )
        if cut:
            series[metric] = tuple(cut)
    histograms = {
        metric: tuple(each.between(0, end_ns) for each in group)
        for metric, group in samples.histograms.items()
    }
    return dataclasses.replace(samples, end_ns=end_ns, series=series, histograms=histograms)


def synthetic(
    readings: Mapping[str, Sequence[tuple[Mapping[str, str], Sequence[float]]]],
    *,
    step: float = 1.0,
    facts: Mapping[str, str] | None = None,
    profiles: Sequence[Profile] = (),
    durations: Mapping[str, Sequence[tuple[Mapping[str, str], Sequence[Sequence[float]]]]] | None = None,
) -> Samples:
    """Made by hand: by metric, label sets with their readings, `step` seconds apart and ending together; `durations`
    are those of histograms, in seconds, for each step."""
    longest = max((len(values) for group in readings.values() for _, values in group), default=2)
    end_ns = START_NS + int((longest - 1) * step * 1e9)
    series = {}
    for metric, group in readings.items():
        series[metric] = tuple(
            Series(
                metric,
                labels,
                np.array([end_ns - int(back * step * 1e9) for back in range(len(values))][::-1], np.int64),
                np.array(values, np.float64),
                metric.endswith("_total") or metric.startswith("netstat_TcpExt"),
            )
            for labels, values in group
        )
    histograms = {
        metric: tuple(_histogram(metric, labels, steps, end_ns, step) for labels, steps in group)
        for metric, group in (durations or {}).items()
    }
    return Samples("synthetic", START_NS, end_ns, series, facts or {}, tuple(profiles), histograms=histograms)


# s; a tenth wide
EDGES = np.array([0.0, *(1e-5 * 1.1**step for step in range(160))])


def _histogram(
    metric: str, labels: Mapping[str, str], steps: Sequence[Sequence[float]], end_ns: int, step: float
) -> Histogram:
    times = np.array([end_ns - int(back * step * 1e9) for back in range(len(steps))][::-1], np.int64)
    counts = np.array([np.histogram(durations, EDGES)[0] for durations in steps], np.int64)
    return Histogram(metric, labels, times, EDGES, counts, np.array([sum(each) for each in steps]))
