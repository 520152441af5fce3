"""A service's traffic as its collector tells it, put into the store: requests, CPU time, connections dropped."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

import numpy as np

from collectors import wire
from collectors.histograms import bucket_of
from diagnose.models import Host
from tests.diagnose.web.recorded import send

SERVICE = "shop"
DROPS = "listener_drops_total"
_TILE_NS = 10 * 10**9


@dataclass(frozen=True, slots=True)
class Traffic:
    """`drops` and `errors` a second, of `rate` requests a second that take `scale` seconds on average."""

    rate: float = 100.0
    scale: float = 0.02
    errors: float = 0.5
    drops: float = 0.0
    pid: int = 812


def flow(host: Host, start: datetime, end: datetime, traffic: Traffic, seed: int = 1) -> None:
    """One reading every ten seconds from `start` to `end`."""
    draw = np.random.default_rng(seed)
    times = list(range(int(start.timestamp() * 1e9) + _TILE_NS, int(end.timestamp() * 1e9), _TILE_NS))
    process = {"service": SERVICE, "pid": str(traffic.pid)}
    samples: list[wire.Sample] = []
    for at in times:
        count, failed = draw.poisson(traffic.rate * 10), draw.poisson(traffic.errors * 10)
        samples += [
            _requests(at, "2xx", draw.exponential(traffic.scale, count)),
            _requests(at, "5xx", draw.exponential(traffic.scale, failed)),
        ]
    spent = [float(each) for each in draw.normal(traffic.rate * 0.02, 0.02, len(times))]
    dropped = [float(each) for each in draw.poisson(traffic.drops * 10, len(times))]
    samples.append(wire.Points("process_cpu_seconds_total", process, times, spent, counter=True))
    samples.append(wire.Points(DROPS, {"listener": "0.0.0.0:8080"}, times, dropped, counter=True))
    send(host, *samples)


def _requests(at: int, status: str, seconds: np.ndarray) -> wire.Histogram:
    buckets: dict[int, int] = {}
    for each in seconds:
        bucket = bucket_of("loglin20", float(each))
        buckets[bucket] = buckets.get(bucket, 0) + 1
    labels = {"service": SERVICE, "listener": "0.0.0.0:8080", "status_class": status}
    # A probe reads at the end of what it tells; a tile ends just after.
    return wire.Histogram(
        "http_server_seconds", labels, at - 1, "loglin20", buckets, float(seconds.sum()), len(seconds)
    )
