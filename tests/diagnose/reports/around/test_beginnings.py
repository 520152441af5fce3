"""Readings, findings and changes that began together are lined up in order of time."""

from __future__ import annotations

from datetime import timedelta

import numpy as np
import pytest

from diagnose.models import Change, Finding
from diagnose.models.change import ChangeLink
from diagnose.reports.around.beginnings import beginnings
from tests.diagnose.reports.around.conftest import BEGAN


def step(before: float, after: float, late: int = 0, seconds: int = 600) -> list[float]:
    """Ten minutes that change their level five minutes ago, or some seconds later."""
    at = seconds - 300 + late
    noise = np.random.default_rng(1).normal(0, 0.01 * max(before, after), seconds)
    return (np.where(np.arange(seconds) < at, before, after) + noise).tolist()


def test_what_began_with_it_comes_in_order_of_time(finding, put):
    put("listener_accept_queue_length", step(1, 60, late=20), service="shop", pid="7", listener=":80")
    put("python_gil_held_ratio", step(0.2, 0.95), service="shop", pid="7")
    found = beginnings(finding)
    readings = [each.title for each in found if each.kind == "reading"]
    assert readings == ["python_gil_held_ratio", "listener_accept_queue_length"]
    assert [each.at for each in found] == sorted(each.at for each in found)
    (held,) = (each for each in found if each.title == "python_gil_held_ratio")
    assert abs((held.at - BEGAN).total_seconds()) <= 3
    assert held.first <= held.at <= held.last
    assert (held.before, held.after) == (pytest.approx(0.2, abs=0.05), pytest.approx(0.95, abs=0.05))


def test_what_began_at_another_time_or_hardly_changed_or_is_anothers_is_left_out(finding, put):
    put("python_gil_held_ratio", step(0.2, 0.9, late=-200), service="shop", pid="7")
    put("process_open_fds", step(100, 110), service="shop", pid="7")
    put("process_cpu_seconds_total", step(0.1, 0.9), counter=True, service="mail", pid="8")
    assert [each.kind for each in beginnings(finding)] == ["finding"]


def test_readings_of_the_whole_host_count_too(finding, put):
    put("netstat_TcpExt_ListenDrops", step(0, 50), counter=True)
    assert "netstat_TcpExt_ListenDrops" in [each.title for each in beginnings(finding)]


def test_what_is_usual_is_told_where_there_is_a_past(finding, put):
    put("python_gil_held_ratio", [0.2] * 6 * 48 + [0.9] * 30, step=10, service="shop", pid="7")
    rows = {each.title: each for each in beginnings(finding)}
    assert rows["python_gil_held_ratio"].usual is None
    put("process_open_fds", [50] * 144 * 2 + [50, 500], step=150, service="shop", pid="7")
    put("process_open_fds", step(50, 500), service="shop", pid="7")
    usual = {each.title: each for each in beginnings(finding)}["process_open_fds"].usual
    assert usual.low == usual.high == pytest.approx(50, abs=5)


def test_other_findings_and_changes_of_that_time_stand_among_them(finding, host):
    other = Finding.objects.get(pk=finding.pk)
    other.pk, other.subject_key, other.headline = "other", "other", "the queue is full"
    other.save(force_insert=True)
    change = Change.objects.create(
        host=host, kind="setting", name="sysctl.x", before="1", after="2", at=BEGAN - timedelta(seconds=40)
    )
    ChangeLink.objects.create(change=change, finding=finding, relation="before")
    assert [each.kind for each in beginnings(finding)] == ["change", "finding", "finding"]


def test_without_an_onset_nothing_is_lined_up(finding):
    finding.detail |= {"onset": None}
    assert beginnings(finding) == []
