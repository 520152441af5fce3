"""disk.saturation: a busy disk, and a service that waits for it."""

import pytest

from diagnose.correlate.rule import UnitSetting
from tests.diagnose.correlate.rules.verdicts import the_verdict, verdicts
from tests.diagnose.correlate.windows import recorded, synthetic, without

RULE = "disk.saturation"
MIB = 1024.0**2
SHOP, COPY = {"pid": "41", "service": "shop"}, {"pid": "42", "service": "copy.service"}


def window(busy=0.99, waiting=1.5, listens=True, by_shop=1.0, by_copy=200.0, delay=None):
    """Ten-second passes; MiB per second."""
    steps, disk = 5, {"device": "sda"}
    each = {
        "disk_io_time_seconds_total": busy,
        "disk_io_time_weighted_seconds_total": 8.0,
        "disk_reads_completed_total": 1.0,
        "disk_read_bytes_total": 0.0,
        "disk_read_time_seconds_total": 0.001,
        "disk_writes_completed_total": 400.0,
        "disk_written_bytes_total": (by_shop + by_copy) * MIB,
        "disk_write_time_seconds_total": 8.0,
    }
    readings = {metric: [(disk, [10 * value] * steps)] for metric, value in each.items()}
    moved = {"41": (SHOP, by_shop), "42": (COPY, by_copy)}
    readings["process_io_read_bytes_total"] = [(labels, [0.0] * steps) for labels, _ in moved.values()]
    readings["process_io_written_bytes_total"] = [
        (labels, [10 * value * MIB] * steps) for labels, value in moved.values()
    ]
    readings["service_threads_waiting"] = [
        ({"service": "shop", "wait": "sync"}, [waiting] * steps),
        ({"service": "copy.service", "wait": "file"}, [1.0] * steps),
    ]
    if delay is not None:
        readings["process_io_delay_seconds_total"] = [(SHOP, [10 * delay] * steps)]
    if listens:
        readings["listener_accept_queue_length"] = [({**SHOP, "listener": "0.0.0.0:80"}, [0.0] * steps)]
    return synthetic(readings, step=10.0)


def test_who_waits_and_who_keeps_the_disk_busy_are_named():
    verdict = the_verdict(RULE, window())
    assert verdict.subject.pid == 41
    assert "by copy.service (pid 42) (200 MiB/s)" in verdict.headline
    assert verdict.recommendations[0].change == UnitSetting("copy.service", "IOWeight", "100", "10")


def test_a_service_that_writes_most_itself_is_told_so():
    verdict = the_verdict(RULE, window(by_shop=50.0, by_copy=1.0))
    assert "by itself" in verdict.headline
    assert "fsync" in verdict.recommendations[0].change.what


def test_the_kernels_account_of_delays_counts_where_it_is_kept():
    verdict = the_verdict(RULE, window(waiting=0.1, delay=2.0))
    assert "2 of its threads wait" in verdict.impact.text


@pytest.mark.parametrize("odd", [{"busy": 0.4}, {"waiting": 0.05}, {"listens": False}])
def test_an_idle_disk_and_a_busy_one_that_nobody_waits_for_are_no_finding(odd):
    assert verdicts(RULE, window(**odd)) == []


def test_a_recorded_service_that_waits_is_found():
    assert the_verdict(RULE, recorded("disk-contention-two")).subject.service == "worker.py"


def test_recorded_reads_that_nobody_waits_for_are_no_finding():
    assert verdicts(RULE, recorded("reads-a-large-file-once-usual")) == []


def test_without_disks_it_is_unknown():
    assert verdicts(RULE, without(recorded("reads-a-large-file-once-usual"), "disk_")) is None
