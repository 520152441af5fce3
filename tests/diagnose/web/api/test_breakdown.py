"""`/profiles/breakdown`: whose the samples are."""

from __future__ import annotations

import pytest

from diagnose.models import Host
from tests.diagnose.web import recorded

pytestmark = pytest.mark.django_db


@pytest.fixture
def two_hosts(host: Host, valkey, data_dir) -> int:
    """The shop on two hosts under two pids, twice as much on the first; the samples of one profile."""
    other = Host.objects.create(identity="f" * 32, name="web-2")
    stacks = recorded.shop_stacks("cpu")
    for each, pid, times in ((host, "7", 2), (other, "8", 1)):
        for _ in range(times):
            profile = recorded.shop_stacks("cpu")
            profile.labels["pid"] = pid
            recorded.send(each, profile)
    return stacks.columns.total


def shares(found) -> dict[str, float]:
    return {row["name"]: row["share"] for row in found["results"]}


def test_threads_have_all_samples_between_them(ask, two_hosts: int) -> None:
    found = ask("/profiles/breakdown?service=shop.py")
    assert found["total"] == 3 * two_hosts == sum(row["total"] for row in found["results"])
    assert found["results"][0]["total"] == max(row["total"] for row in found["results"])
    assert "MainThread" in shares(found)


def test_hosts_are_told_by_name(ask, two_hosts: int) -> None:
    found = ask("/profiles/breakdown?service=shop.py&by=host")
    assert shares(found) == {"web-1": pytest.approx(2 / 3, abs=1e-5), "web-2": pytest.approx(1 / 3, abs=1e-5)}


def test_a_labels_values_are_those_that_the_profiles_carry(ask, two_hosts: int) -> None:
    found = ask("/profiles/breakdown?service=shop.py&by=label.pid")
    assert "pid" in found["labels"]
    assert shares(found) == {"7": pytest.approx(2 / 3, abs=1e-5), "8": pytest.approx(1 / 3, abs=1e-5)}
    narrowed = ask("/profiles/breakdown?service=shop.py&by=label.pid&label.pid=8")
    assert shares(narrowed) == {"8": 1}


def test_what_nobody_carries_breaks_nothing_down(ask, two_hosts: int) -> None:
    assert ask("/profiles/breakdown?service=shop.py&by=label.endpoint")["results"] == []
    assert ask("/profiles/breakdown?service=unknown&by=host")["results"] == []
    assert "by" in ask("/profiles/breakdown?service=shop.py&by=pid", status=422)["errors"]
