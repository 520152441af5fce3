"""Which resources are told to last how long, and which of them are findings before anything fails."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest

from diagnose.correlate import engine
from diagnose.correlate.forecast import Forecast, Outlook
from diagnose.correlate.outlook import early, outlooks, place_of
from diagnose.correlate.resources import BY_NAME, RESOURCES
from diagnose.correlate.rule import Subject
from tests.diagnose.correlate.windows import recorded, synthetic

MINUTES = 300
PORTS = {"sysctl.net.ipv4.ip_local_port_range": "32768 60999"}


def ramp(start: float, end: float) -> list[float]:
    noise = np.random.default_rng(4).normal(0, abs(end - start) / 500, MINUTES)
    return (np.linspace(start, end, MINUTES) + noise).tolist()


def told(readings, facts=None) -> list[tuple[str, str]]:
    history = synthetic(readings, step=60.0, facts=facts)
    return [(each.resource, each.forecast.state) for each in outlooks(history)]


def test_a_level_with_a_limit_of_the_same_labels_is_told():
    files = [
        ({"pid": "7", "service": "shop"}, ramp(400, 900)),
        ({"pid": "8", "service": "blog"}, [500.0] * 5),
    ]
    limits = [({"pid": "7", "service": "shop"}, [1024.0]), ({"pid": "8", "service": "blog"}, [1024.0])]
    found = told({"process_open_fds": files, "process_max_fds": limits})
    assert found == [("process_fds", "fills"), ("process_fds", "too early")]


def test_what_is_left_counts_as_what_is_used():
    where = {"device": "/dev/vda1", "mountpoint": "/", "fstype": "ext4"}
    readings = {
        "filesystem_avail_bytes": [(where, ramp(60e9, 20e9))],
        "filesystem_size_bytes": [(where, [100e9])],
    }
    (found,) = outlooks(synthetic(readings, step=60.0))
    assert (found.resource, found.forecast.state) == ("disk_space", "fills")
    assert found.forecast.level == pytest.approx(80e9, rel=0.01)
    assert found.forecast.seconds == pytest.approx(20e9 / (40e9 / (MINUTES * 60)), rel=0.05)


@pytest.mark.parametrize(
    ("facts", "expected"), [(PORTS, [("ports", "fills")]), ({}, []), ({next(iter(PORTS)): "many"}, [])]
)
def test_a_limit_that_is_a_setting_is_taken_from_the_facts(facts, expected):
    assert (
        told({"tcp_destination_time_wait": [({"dst": "10.0.0.1:80"}, ramp(9000, 20000))]}, facts) == expected
    )


def test_what_is_nearly_empty_and_file_systems_without_inodes_are_not_told():
    where = {"mountpoint": "/"}
    assert told({"filefd_allocated": [({}, ramp(10, 90))], "filefd_maximum": [({}, [1e6])]}) == []
    assert told({"filesystem_files_free": [(where, [0.0] * 60)], "filesystem_files": [(where, [0.0])]}) == []


def outlook(seconds=1800.0, share=0.7, soonest=None, latest=None, **labels) -> Outlook:
    soonest, latest = soonest or seconds * 0.7, latest or seconds * 1.5
    return Outlook(
        "conntrack", labels, Forecast("fills", share * 65536, 65536, 3, 2, 4, seconds, soonest, latest)
    )


def test_what_is_full_within_the_hour_is_a_finding_now_with_its_interval():
    ((rule, verdict),) = early([outlook()], set())
    assert rule == "network.conntrack_full"
    assert verdict.forecast
    assert "full in 30 min (21 min to 45 min)" in verdict.headline
    assert verdict.impact.text.startswith("nothing fails yet")
    assert 0 < verdict.impact.share < 0.5


@pytest.mark.parametrize(
    "unclear",
    [{"seconds": 7200.0}, {"share": 0.3}, {"soonest": 100.0, "latest": 1700.0}],
    ids=["far", "half empty", "guess"],
)
def test_what_is_far_off_or_a_guess_is_none(unclear):
    assert list(early([outlook(**unclear)], set())) == []


def test_where_the_rule_has_judged_already_nothing_is_added():
    assert list(early([outlook()], {place_of("network.conntrack_full", Subject())})) == []


def test_the_engine_makes_a_finding_of_it_on_a_healthy_host():
    healthy = recorded("healthy")
    ahead = dataclasses.replace(healthy, outlooks=(outlook(),))
    (found,) = engine.evaluate(ahead).judgements
    assert (found.rule, found.verdict.forecast) == ("network.conntrack_full", True)
    assert engine.evaluate(healthy).judgements == ()


def test_each_rule_of_a_resource_is_in_the_table_once_a_metric():
    assert len(BY_NAME) == len(RESOURCES)
    assert all((each.used != "") != (each.left != "") for each in RESOURCES)
    assert all((each.limit != "") != (each.fact != "") for each in RESOURCES)
