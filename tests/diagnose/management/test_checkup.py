"""Doctor: each check tells a healthy part from a sick one, with a remedy."""

from __future__ import annotations

import socket
from datetime import timedelta

import pytest
from django.utils import timezone

from diagnose.management import checkup
from diagnose.models import Host, QuarantinedBatch


@pytest.mark.django_db
def test_a_migrated_database_is_well():
    assert checkup.check_database().remedy == ""


def test_a_queue_without_worker_is_told_apart_from_no_queue(valkey):
    found = {check.name: check for check in checkup.check_queue()}
    assert found["queue"].found == "0 batches and tasks wait"
    assert found["queue"].remedy == ""
    assert found["worker"].found == "none answers"
    assert "worker" in found["worker"].remedy


def test_a_long_queue_is_told(valkey):
    valkey.rpush("celery", *range(1001))
    assert "workers alive" in next(checkup.check_queue()).remedy


def test_a_port_nobody_listens_on_is_told():
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
        assert checkup.check_port("web", port).remedy == ""
    assert "make run" in checkup.check_port("web", port).remedy


def test_a_disk_that_is_nearly_full_or_has_little_left_is_told(data_dir, nearly_full):
    with nearly_full(5 * 10**9):
        assert checkup.check_disk().remedy == ""
    with nearly_full(700 * 10**6):
        assert "old raw data goes" in checkup.check_disk().remedy
    with nearly_full(300 * 10**6):
        assert "nothing new is stored" in checkup.check_disk().found


def test_a_silent_collector_is_told_apart_from_a_fresh_and_a_new_one(host: Host):
    assert "never sent" in checkup.check_collector(host).found
    host.last_seen_at = timezone.now() - timedelta(seconds=5)
    assert checkup.check_collector(host).remedy == ""
    host.last_seen_at = timezone.now() - timedelta(minutes=5)
    assert "last seen 300 s ago" in checkup.check_collector(host).found
    assert checkup.check_collector(host).remedy


@pytest.mark.django_db
def test_no_host_at_all_is_told():
    assert "manage.py enroll" in next(checkup.check_collectors()).remedy


def test_the_last_quarantined_batch_is_shown(host: Host):
    assert checkup.check_quarantine().remedy == ""
    QuarantinedBatch.objects.create(host=host, error="wire version 99", payload=b"")
    assert "wire version 99" in checkup.check_quarantine().found
