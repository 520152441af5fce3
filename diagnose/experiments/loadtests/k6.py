"""k6: the summary as JSON (--summary-export, or what handleSummary gets), or its points (--out json=FILE)."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import datetime
from typing import Any

import msgspec
import numpy as np

from diagnose.experiments.loadtests.result import LoadTest, Step, Unreadable

_QUANTILE = re.compile(r"p\(([\d.]+)\)")
_STEP_SECONDS = 10.0
_SHARES = (0.5, 0.9, 0.95, 0.99)


def parse(text: str) -> LoadTest | None:
    first = text.lstrip()[:1]
    if first != "{":
        return None
    if '"type":"Point"' in text[:20_000].replace(" ", ""):
        return _points(text)
    try:
        found = msgspec.json.decode(text.encode())
    except msgspec.DecodeError:
        return None
    metrics = found.get("metrics") if isinstance(found, dict) else None
    return _summary(found, metrics) if isinstance(metrics, dict) and "http_reqs" in metrics else None


def _summary(whole: Mapping[str, Any], metrics: Mapping[str, Any]) -> LoadTest:
    """Times are in milliseconds; handleSummary has the figures one level deeper."""
    counts, times = _values(metrics, "http_reqs"), _values(metrics, "http_req_duration")
    failed = _values(metrics, "http_req_failed") if "http_req_failed" in metrics else {}
    share = float(failed.get("rate", failed.get("value", 0.0)))
    latency = {
        float(found[1]) / 100: float(value) / 1000
        for name, value in times.items()
        if (found := _QUANTILE.fullmatch(name))
    }
    if "med" in times:
        latency[0.5] = float(times["med"]) / 1000
    lasted = (whole.get("state") or {}).get("testRunDurationMs")
    requests = int(counts["count"])
    return LoadTest(
        "k6",
        requests,
        round(share * requests),
        float(counts["rate"]),
        latency,
        float(lasted) / 1000 if lasted else None,
    )


def _values(metrics: Mapping[str, Any], name: str) -> Mapping[str, Any]:
    found = metrics.get(name)
    if not isinstance(found, dict):
        raise Unreadable(f"the summary of k6 lacks {name}: give all of it")
    inner = found.get("values", found)
    return inner if isinstance(inner, dict) else {}


def _points(text: str) -> LoadTest:
    """Cut into steps of ten seconds, since a test that raises its load does so over time."""
    times, seconds, failed = [], [], 0
    for line in text.splitlines():
        if '"Point"' not in line or "http_req_" not in line:
            continue
        point = msgspec.json.decode(line.encode())
        if point.get("metric") == "http_req_duration":
            times.append(datetime.fromisoformat(point["data"]["time"]).timestamp())
            seconds.append(point["data"]["value"] / 1000)
        elif point.get("metric") == "http_req_failed":
            failed += int(point["data"]["value"])
    if not times:
        raise Unreadable("the points of k6 have no http_req_duration: was it an HTTP test?")
    at, took = np.array(times), np.array(seconds)
    lasted = max(float(at.max() - at.min()), 1e-3)
    step = np.floor((at - at.min()) / _STEP_SECONDS)
    steps = [_step(took[step == each]) for each in np.unique(step)[:-1]]
    return LoadTest("k6", len(took), failed, len(took) / lasted, _quantiles(took), lasted, tuple(steps))


def _step(took: np.ndarray[Any, np.dtype[np.float64]]) -> Step:
    return Step(len(took) / _STEP_SECONDS, _quantiles(took))


def _quantiles(took: np.ndarray[Any, np.dtype[np.float64]]) -> dict[float, float]:
    return dict(zip(_SHARES, np.quantile(took, _SHARES).tolist(), strict=True))
