"""`/profiles/diff`: the same service at another time, on another host, or as a capture saw it."""

from __future__ import annotations

import time

import pytest

from diagnose.models import Capture, Host
from tests.diagnose.web import recorded

pytestmark = pytest.mark.django_db
NOW = int(time.time())


@pytest.fixture
def twice(host: Host, valkey, data_dir) -> int:
    """The shop's samples, taken a minute ago and again now; how many each time."""
    stacks = recorded.shop_stacks("cpu", end_ns=(NOW - 60) * 10**9)
    recorded.send(host, stacks)
    recorded.send(host, recorded.shop_stacks("cpu", end_ns=NOW * 10**9))
    return stacks.columns.total


def test_the_base_is_the_range_right_before(ask, twice: int) -> None:
    found = ask(f"/profiles/diff?service=shop.py&from={NOW - 30}&to={NOW + 30}&cut=0")
    assert (found["total"], found["base"]["total"]) == (twice, twice)
    assert set(found["nodes"]["change"]) == {0}
    assert found["mode"] == "absolute"


def test_a_range_without_profiles_lost_everything(ask, twice: int) -> None:
    address = f"/profiles/diff?service=shop.py&from={NOW - 30}&to={NOW + 30}&base.from={NOW - 900}&base.to={NOW - 600}"
    found = ask(address)
    assert (found["nodes"]["change"][0], found["base"]["profiles"]) == (twice, 0)
    assert set(ask(f"{address}&mode=relative")["nodes"]["change"]) == {None}
    assert ask(f"{address}&mode=normalised")["nodes"]["change"][0] == 1


def test_the_base_may_be_other_hosts_labels_and_threads(ask, twice: int) -> None:
    other = Host.objects.create(identity="c" * 32, name="web-2")
    address = f"/profiles/diff?service=shop.py&from={NOW - 90}&base.from={NOW - 90}&base.to={NOW + 30}&to={NOW + 30}"
    assert ask(address)["base"]["total"] == 2 * twice
    assert ask(f"{address}&base.host={other.pk}")["base"]["total"] == 0
    assert ask(f"{address}&base.label.pid=1")["base"]["total"] == 0
    assert 0 < ask(f"{address}&base.thread=MainThread")["base"]["total"] < 2 * twice


def test_a_capture_is_compared_with_what_is_profiled_anyway(ask, twice: int, host: Host) -> None:
    capture = Capture.objects.create(
        host=host, kind="python_cpu", seconds=5, hz=100, requested_by="oskar", state="done", service="shop.py",
        result_service="shop.py", result_types=["cpu"], result_from_ns=(NOW - 5) * 10**9, result_to_ns=NOW * 10**9,
    )  # fmt: skip
    recorded.send(host, recorded.shop_stacks("cpu", capture_id=capture.id, end_ns=NOW * 10**9))
    found = ask(f"/profiles/diff?service=shop.py&from={NOW - 90}&to={NOW + 30}&base.capture={capture.id}")
    assert (found["base"]["total"], found["total"]) == (twice, 2 * twice)
    problem = ask(f"/profiles/diff?service=other&base.capture={capture.id}", status=422)
    assert "shop.py" in problem["errors"]["base.capture"]
    gil = recorded.shop_stacks("gil", end_ns=NOW * 10**9)
    recorded.send(host, gil)
    problem = ask(f"/profiles/diff?service=shop.py&type=gil&base.capture={capture.id}", status=422)
    assert "measure different things" in problem["errors"]["base.capture"]


def test_what_cannot_be_used_is_named(ask, host: Host) -> None:
    assert "base.from" in ask("/profiles/diff?service=x&base.from=soon", status=422)["errors"]
    backwards = f"/profiles/diff?service=x&base.from={NOW}&base.to={NOW - 9}"
    assert "base.from" in ask(backwards, status=422)["errors"]
    assert "base.hosts" in ask("/profiles/diff?service=x&base.hosts=1", status=422)["errors"]
    assert "mode" in ask("/profiles/diff?service=x&mode=absurd", status=422)["errors"]
    assert ask("/profiles/diff?service=nobody")["nodes"]["depth"] == [0]
