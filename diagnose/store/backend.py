"""What keeps the telemetry: SQL on SQLite or PostgreSQL. Others may stand behind the same two protocols."""

from __future__ import annotations

from diagnose.store.protocols import MetricStore, ProfileStore
from diagnose.store.sql.metrics import SqlMetricStore
from diagnose.store.sql.profiles import SqlProfileStore


def profile_store() -> ProfileStore:
    return SqlProfileStore()


def metric_store() -> MetricStore:
    return SqlMetricStore()
