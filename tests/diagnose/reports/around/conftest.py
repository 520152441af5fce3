"""A finding that began five minutes ago, and a store to put readings, requests and stacks around it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta
from itertools import count

import numpy as np
import pytest

from diagnose.models import Finding, Host
from diagnose.store import backend
from diagnose.store.rows import BatchKey, MetricBatch, PointColumns
from diagnose.store.serieskeys import key_of, series_numbers

NOW = datetime.now(UTC).replace(microsecond=0)
BEGAN = NOW - timedelta(minutes=5)


@pytest.fixture
def finding(host: Host, data_dir) -> Finding:
    onset = {"at": BEGAN, "from": BEGAN - timedelta(seconds=3), "to": BEGAN + timedelta(seconds=3)}
    return Finding.objects.create(
        host=host,
        rule="python.gil_contention",
        service="shop",
        subject_key="shop",
        headline="threads wait for the lock",
        confidence=0.9,
        impact_share=0.4,
        opened_at=BEGAN + timedelta(seconds=15),
        last_seen_at=NOW,
        window_from=NOW - timedelta(minutes=2),
        window_to=NOW,
        detail={
            "onset": {name: at.isoformat() for name, at in onset.items()},
            "subject": {"service": "shop", "pid": 7},
            "evidence": [{"metric": "python_gil_held_ratio", "profile": "gil"}],
        },
    )


@pytest.fixture
def put(host: Host) -> Callable[..., None]:
    """`put(metric, values, counter=False, **labels)`: a reading every second (or `step` seconds), the last one now."""
    batches = count(1)

    def store(
        metric: str, values: Sequence[float], *, step: float = 1.0, counter: bool = False, **labels: str
    ) -> None:
        (number,) = series_numbers(host, [key_of(metric, labels)], [counter])
        back = np.arange(len(values), dtype=np.int64)[::-1] * int(step * 1e9)
        times = int(NOW.timestamp()) * 10**9 - back
        columns = PointColumns(np.full(len(values), number, np.uint32), times, np.array(values, np.float64))
        backend.metric_store().append([MetricBatch(BatchKey(host.pk, "a" * 16, next(batches)), columns)])

    return store
