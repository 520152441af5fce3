"""The Celery application. Lower layers enqueue by task name; `diagnose.tasks` alone knows the functions."""

from __future__ import annotations

import os

from celery import Celery

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "diagnose.settings")

from django.conf import settings


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
)
