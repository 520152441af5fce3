"""Signed-in browsers, and a host with a recorded fault and its findings."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta
from itertools import count
from typing import Any

import numpy as np
import pytest
from django.test import Client

from diagnose.findings import query
from diagnose.findings.evaluate import evaluate_host
from diagnose.models import Finding, Host, User
from diagnose.store import backend, days, engine
from diagnose.store.engine.sqlite import SQLITE, path_of
from diagnose.store.rows import DAY_NS, BatchKey, HistogramRow, MetricBatch, PointColumns
from diagnose.store.serieskeys import key_of, series_numbers
from tests.diagnose.correlate.windows import recorded
from tests.diagnose.findings.stored import store


@pytest.fixture
def as_user() -> Callable[[User], Client]:
    def signed_in(user: User) -> Client:
        client = Client()
        client.force_login(user)
        return client

    return signed_in


@pytest.fixture
def seen(as_user, viewer) -> Client:
    """What a viewer sees."""
    return as_user(viewer)


@pytest.fixture
def faulty(host: Host, data_dir) -> Callable[[str], Finding]:
    """Stores a recorded window as the host's last two minutes; the worst finding of it."""

    def record(window: str) -> Finding:
        now = datetime.now(UTC)
        store(host, recorded(window), now)
        Host.objects.filter(pk=host.pk).update(last_seen_at=now, agent="diagnose-collector/0.1.0")
        evaluate_host(host.pk, now + timedelta(seconds=1))
        return query.list_findings("open")[0]

    return record


@pytest.fixture
def read(host: Host, data_dir) -> Callable[..., None]:
    """Stores readings of a series: one every ten seconds, the last one now."""
    batches = count(100)

    def put(metric: str, values: Sequence[float], *, counter: bool = False, **labels: str) -> None:
        number = series_numbers(host, [key_of(metric, labels)], [counter])[0]
        times = time.time_ns() - np.arange(len(values), dtype=np.int64)[::-1] * 10**10
        columns = PointColumns(
            np.full(len(values), number, np.uint32), times // 10**6 * 10**6, np.array(values, np.float64)
        )
        backend.metric_store().append([MetricBatch(BatchKey(host.pk, "r" * 16, next(batches)), columns)])

    return put


@pytest.fixture
def counted(host: Host, data_dir) -> Callable[..., None]:
    """Stores a histogram of a minute ago: how many by bucket of the scheme for round-trip times."""
    batches = count(500)

    def put(metric: str, buckets: dict[int, int], *, seconds_ago: float = 60, **labels: str) -> None:
        number = series_numbers(host, [key_of(metric, labels)], [False])[0]
        at_ns = time.time_ns() - int(seconds_ago * 1e9)
        row = HistogramRow(
            number, at_ns, "loglin20", 0.01 * sum(buckets.values()),
            np.array(list(buckets), np.int64), np.array(list(buckets.values()), np.int64),
        )  # fmt: skip
        none = PointColumns(np.empty(0, np.uint32), np.empty(0, np.int64), np.empty(0))
        backend.metric_store().append([MetricBatch(BatchKey(host.pk, "h" * 16, next(batches)), none, [row])])

    return put


@pytest.fixture
def stored_days(data_dir, monkeypatch) -> Callable[..., None]:
    """Makes each full day's file of a kind that large (holes on disk), yesterday's first, and today's."""
    monkeypatch.setattr(engine, "chosen", lambda: SQLITE)

    def make(kind: Any, sizes: Sequence[int], today: int = 0) -> None:
        now = time.time_ns()
        for back, size in enumerate([today, *sizes]):
            path = path_of(days.day_of(now - back * DAY_NS), kind)
            path.parent.mkdir(exist_ok=True)
            with path.open("wb") as file:
                file.truncate(size)

    return make
