"""Which engine keeps the telemetry. SQLite for now; others stand behind the same two protocols."""

from __future__ import annotations

from diagnose.store.protocols import MetricStore, ProfileStore
from diagnose.store.sqlite_metrics import SqliteMetricStore
from diagnose.store.sqlite_profiles import SqliteProfileStore


def profile_store() -> ProfileStore:
    return SqliteProfileStore()


def metric_store() -> MetricStore:
    return SqliteMetricStore()
