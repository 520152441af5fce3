"""The Celery application. Lower layers enqueue by task name; `diagnose.tasks` alone knows the functions."""

from __future__ import annotations

import gc
import os
from typing import Any

from celery import Celery
from celery.signals import task_postrun, worker_init

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "diagnose.settings")

from django.conf import settings
from django.db import close_old_connections


def _broker(url: str) -> str:
    """kombu calls a unix socket `redis+socket://`; redis-py calls it `unix://`."""
    return url.replace("unix://", "redis+socket://", 1)


app = Celery("diagnose", broker=_broker(settings.REDIS_URL), include=["diagnose.tasks"])
app.conf.update(
    task_ignore_result=True,
    task_acks_late=True,  # a task whose worker died is given to another; all tasks are idempotent
    task_reject_on_worker_lost=True,
    task_time_limit=300,
    worker_prefetch_multiplier=4,
    broker_connection_retry_on_startup=True,
    # Longer than any task; a worker that vanished frees its messages after this.
    broker_transport_options={"visibility_timeout": 600},
    timezone="UTC",
    # Celery closes the database's connection around every task; opening it costs as much as a batch's own queries.
    # What is too old or broken (CONN_MAX_AGE) Django itself closes, below.
    CELERY_DB_REUSE_MAX=1_000_000,
)
task_postrun.connect(close_old_connections)


@worker_init.connect
def collect_garbage_seldom(**_: Any) -> None:
    """A batch makes tens of thousands of short-lived tuples, and each full collection would walk all known stacks."""
    gc.freeze()
    gc.set_threshold(50_000, 20, 50)
