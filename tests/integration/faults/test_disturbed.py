"""The queue emptied, batches given to two workers, a worker frozen, a database locked or restarted: exactly once."""

from __future__ import annotations

import os
import shutil
import signal
import sqlite3
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import pytest
import redis
from celery import Celery

from collectors.delivery.ship import RESEND_SECONDS
from diagnose import queue
from diagnose.management import services
from tests.integration.faults.postgresql import require_postgresql
from tests.integration.faults.stand import Stand, running
from tests.integration.product import until

pytestmark = pytest.mark.system


@pytest.fixture(scope="module")
def stand(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stand]:
    with running(Stand(tmp_path_factory.mktemp("disturbed"))) as started:
        yield started


@contextmanager
def queue_of(stand: Stand) -> Iterator[redis.Redis]:
    with closing(redis.Redis(unix_socket_path=str(stand.product.data_dir / "valkey.sock"))) as client:
        yield client


@contextmanager
def another_worker(stand: Stand) -> Iterator[int]:
    """A second worker process, as on a second machine; its pid."""
    argv = list(services.worker().argv)
    with (stand.product.data_dir / "other-worker.log").open("ab") as log:
        process = subprocess.Popen(argv, env=stand.product.environ, cwd=Path.cwd(), stdout=log, stderr=log)
    try:
        until(lambda: _connections(stand) > 1, 60)
        yield process.pid
    finally:
        process.send_signal(signal.SIGCONT)
        process.kill()
        process.wait()


def _connections(stand: Stand) -> int:
    """How many workers wait for tasks."""
    with queue_of(stand) as client:
        return sum("brpop" in str(one["cmd"]) for one in client.client_list())


@contextmanager
def frozen(*pids: int) -> Iterator[None]:
    try:
        for pid in pids:
            os.kill(pid, signal.SIGSTOP)
        yield
    finally:
        for pid in pids:
            os.kill(pid, signal.SIGCONT)


def worker_of(stand: Stand) -> int:
    return stand.product.pid_of("celery -A diagnose.celery:app -q worker")


def waiting(client: redis.Redis) -> set[bytes]:
    """The names of the batches that no worker has taken."""
    return set(client.zrange(queue.WAITING, 0, -1))


def not_done(client: redis.Redis) -> set[bytes]:
    """Those of all whose bytes are kept: they wait, or a worker is about to write them."""
    keys = (key.removeprefix(queue.PAYLOADS.encode()) for key in client.scan_iter(f"{queue.PAYLOADS}*"))
    return {name for name in keys if name.count(b":") == 2}


def test_the_queue_emptied_again_and_again_in_the_middle_of_the_stream(stand: Stand):
    with queue_of(stand) as client:
        for _ in range(5):
            with frozen(worker_of(stand)):  # so that batches wait there
                until(lambda: waiting(client), 20)
                client.flushall()
            time.sleep(0.3)
    stand.recover()


def test_the_same_batches_given_to_two_workers_at_the_same_moment(stand: Stand):
    producer = Celery(broker=f"redis+socket://{stand.product.data_dir / 'valkey.sock'}")
    with queue_of(stand) as client, another_worker(stand) as other:
        with frozen(worker_of(stand), other):
            until(lambda: len(waiting(client)) >= 30, 30)
        ends = time.monotonic() + 5
        while time.monotonic() < ends:  # what one has taken is there for the other again
            if names := not_done(client):
                client.zadd(queue.WAITING, dict.fromkeys(names, 0))
            producer.send_task("diagnose.tasks.write_waiting")
            time.sleep(0.005)
        stand.recover()


def test_a_worker_frozen_for_longer_than_its_batches_are_waited_for(stand: Stand):
    """What it had taken is sent again and given to another; then it wakes up and goes on where it was."""
    with queue_of(stand) as client, frozen_with_batches(stand, client), another_worker(stand):
        time.sleep(RESEND_SECONDS + 5)
    stand.recover()


@contextmanager
def frozen_with_batches(stand: Stand, client: redis.Redis) -> Iterator[None]:
    """The worker stopped right while it writes."""
    worker = worker_of(stand)
    for _ in range(100):
        with frozen(worker):
            if not_done(client) - waiting(client):
                yield
                return
            time.sleep(0.3)  # so that something waits for it
        time.sleep(0.02)
    raise AssertionError("the worker never was writing when it was stopped")


@pytest.mark.parametrize("seconds", [25])
def test_a_main_database_locked_for_longer_than_anybody_waits(stand: Stand, seconds: float):
    with closing(sqlite3.connect(stand.product.data_dir / "diagnose.sqlite3", isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        time.sleep(seconds)
        other.execute("ROLLBACK")
    stand.recover()


def test_after_all_that_the_stream_ends_with_every_number(stand: Stand):
    stand.drain()


@pytest.fixture(scope="module")
def stand_on_postgresql() -> Iterator[Stand]:
    require_postgresql()
    # Not below pytest's own directory, which lets nobody but its user through.
    directory = Path(tempfile.mkdtemp(prefix="diagnose-restarted-"))
    directory.chmod(0o755)
    try:
        with running(Stand(directory, on_postgresql=True)) as started:
            yield started
    finally:
        shutil.rmtree(directory)


@pytest.mark.parametrize("away_seconds", [0, 8])
def test_postgresql_restarted_in_the_middle_of_transactions(stand_on_postgresql: Stand, away_seconds: float):
    database = stand_on_postgresql.database
    assert database
    stand_on_postgresql.recover()
    database.stop()
    time.sleep(away_seconds)
    database.start()
    stand_on_postgresql.recover()


def test_after_the_restarts_the_stream_ends_with_every_number(stand_on_postgresql: Stand):
    stand_on_postgresql.drain()
