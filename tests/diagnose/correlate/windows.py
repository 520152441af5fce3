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

from diagnose.correlate.samples import Frame, Profile, Samples, Series, Stack

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
    )


def _profile(raw: Mapping[str, Any]) -> Profile:
    stacks = tuple(
        Stack(thread, tuple(Frame(*frame) for frame in frames), count)
        for thread, count, frames in raw["stacks"]
        if frames
    )
    return Profile(raw["service"], raw["pid"], raw["type"], raw["period_ns"], raw["seconds"], stacks)


def without(
    samples: Samples, *metrics: str, profiles: Sequence[str] = (), facts: Sequence[str] = ()
) -> Samples:
    """The same window as a collector without these probes would have seen it."""
    return dataclasses.replace(
        samples,
        series={
            name: group for name, group in samples.series.items() if not name.startswith(metrics or ("-",))
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
    return dataclasses.replace(samples, end_ns=end_ns, series=series)


def synthetic(
    readings: Mapping[str, Sequence[tuple[Mapping[str, str], Sequence[float]]]],
    *,
    step: float = 1.0,
    facts: Mapping[str, str] | None = None,
    profiles: Sequence[Profile] = (),
) -> Samples:
    """Made by hand: by metric, label sets with their readings, `step` seconds apart and ending together."""
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
    return Samples("synthetic", START_NS, end_ns, series, facts or {}, tuple(profiles))
