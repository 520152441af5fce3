"""What `manage.py doctor` looks at. Each check answers in one line, with the remedy when something is wrong."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta

import redis
from django.conf import settings
from django.core.management.base import CommandError
from django.db import DatabaseError, connection
from django.db.migrations.executor import MigrationExecutor
from django.utils import timezone

from diagnose import queue
from diagnose.celery import app
from diagnose.management import database, services
from diagnose.models import Host, QuarantinedBatch
from diagnose.store import disk

_WORKER_SECONDS = 2.0
_QUEUE_NAME = "celery"
_LONG_QUEUE = 1000  # a worker writes a few hundred batches a second
_SILENT = timedelta(seconds=90)  # a collector sends every few seconds


@dataclass(frozen=True, slots=True)
class Check:
    """`remedy` is empty when all is well."""

    name: str
    found: str
    remedy: str = ""


def checks() -> Iterator[Check]:
    """In the order of the data's way. What cannot be asked because something before it failed is left out."""
    found = check_database()
    yield found
    yield from check_queue()
    yield check_port("web", settings.CONFIG["DIAGNOSE_PORT"])
    yield check_port("stream", settings.STREAM_PORT)
    yield check_disk()
    if not found.remedy:
        yield from check_collectors()
        yield check_quarantine()


def check_database() -> Check:
    try:
        executor = MigrationExecutor(connection)
        missing = executor.migration_plan(executor.loader.graph.leaf_nodes())
    except DatabaseError as error:
        return Check("database", *database.why_unusable(error))
    if missing:
        return Check(
            "database", f"{len(missing)} migrations are missing", "run `manage.py migrate`, or `make run`"
        )
    return Check("database", f"{database.version()}, all tables there")


def require_tables() -> None:
    """For commands that need them. Raises CommandError with the remedy."""
    check = check_database()
    if check.remedy:
        raise CommandError(f"database: {check.found}; {check.remedy}", returncode=2)


def check_queue() -> Iterator[Check]:
    try:
        length = int(queue.client().llen(_QUEUE_NAME)) + int(queue.client().zcard(queue.WAITING))
    except redis.RedisError as error:
        yield Check("queue", f"does not answer ({error})", "run `make run`, or check REDIS_URL")
        return
    remedy = "are the workers alive and is the disk fast enough? see the lines of `worker`"
    yield Check("queue", f"{length} batches and tasks wait", remedy if length > _LONG_QUEUE else "")
    yield check_workers()


def check_workers() -> Check:
    answers = app.control.ping(timeout=_WORKER_SECONDS)
    if not answers:
        return Check(
            "worker", "none answers", "run `make run`, or `celery -A diagnose.celery:app worker -P threads`"
        )
    return Check("worker", f"{len(answers)} answer")


def check_port(name: str, port: int) -> Check:
    host = services.loopback_or(settings.CONFIG["DIAGNOSE_BIND"])
    try:
        socket.create_connection((host, port), timeout=2).close()
    except OSError as error:
        return Check(name, f"{host} port {port}: {error.strerror or error}", "run `make run`")
    return Check(name, f"listens on {host} port {port}")


def check_disk() -> Check:
    room = disk.room()
    found = f"{room.free_bytes / 1e9:.1f} GB free of {room.total_bytes / 1e9:.1f} GB at {settings.DATA_DIR}"
    if room.is_full:
        return Check("disk", f"{found}: nothing new is stored", "free some space; the rest follows by itself")
    remedy = "free some space, or lower DISK_BUDGET: old raw data goes until there is room"
    return Check("disk", found, remedy if room.is_short else "")


def check_collectors() -> Iterator[Check]:
    hosts = list(Host.objects.all())
    if not hosts:
        yield Check(
            "collectors", "no host is enrolled", "run `make run` here, or `manage.py enroll` for other hosts"
        )
    for host in hosts:
        yield check_collector(host)


def check_collector(host: Host) -> Check:
    name = f"collector of {host.name}"
    if host.last_seen_at is None:
        return Check(
            name, "has never sent anything", "look at its own log, or run `diagnose-collector status` there"
        )
    age = timezone.now() - host.last_seen_at
    found = f"last seen {age.total_seconds():.0f} s ago"
    return Check(name, found, "run `diagnose-collector status` there" if age > _SILENT else "")


def check_quarantine() -> Check:
    last = QuarantinedBatch.objects.order_by("-received_at").first()
    if last is None:
        return Check("quarantine", "empty")
    found = f"{QuarantinedBatch.objects.count()} batches could not be read, the last with: {last.error[:200]}"
    return Check("quarantine", found, f"update the collector of {last.host} to this server's version")
