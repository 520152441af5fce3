"""`/profiles/sandwich` and `/profiles/function`: one function of what was recorded."""

from __future__ import annotations

import time

import pytest

from diagnose.models import Host
from tests.diagnose.web import recorded

pytestmark = pytest.mark.django_db
HOT = "try_every_combination"


@pytest.fixture
def shop(host: Host, valkey, data_dir) -> int:
    """How many CPU samples of the shop are in the store."""
    stacks = recorded.shop_stacks("cpu")
    recorded.send(host, stacks)
    return stacks.columns.total


def test_a_sandwich_agrees_with_the_list_of_functions(ask, shop: int) -> None:
    row = next(row for row in ask("/profiles/top?service=shop.py")["results"] if row["name"] == HOT)
    found = ask(f"/profiles/sandwich?service=shop.py&function={HOT}&cut=0")
    assert (found["self"], found["total"], found["whole"]) == (row["self"], row["total"], shop)
    assert found["callers"]["total"][0] == found["callees"]["total"][0] == row["total"]
    assert found["matched"] == [{key: row[key] for key in ("name", "file", "line")}]
    names = [found["strings"][number] for number in found["frames"]["name"]]
    assert names[found["callers"]["frame"][0]] == HOT
    assert "Shop.price" in {names[frame] for frame in found["callers"]["frame"]}


def test_a_function_that_is_not_there_has_nothing_around_it(ask, shop: int) -> None:
    found = ask("/profiles/sandwich?service=shop.py&function=nobody")
    assert (found["total"], found["matched"], found["callees"]["depth"]) == (0, [], [0])
    assert ask(f"/profiles/sandwich?service=shop.py&function={HOT}&file=other.py")["total"] == 0


def test_the_shares_of_a_function_follow_the_range(ask, shop: int) -> None:
    now = int(time.time())
    found = ask(f"/profiles/function?service=shop.py&function={HOT}&from={now - 60}&to={now + 60}&slices=12")
    assert found["width_seconds"] == 10
    assert sum(found["samples"]) == shop
    seen = [share for share, samples in zip(found["total"], found["samples"], strict=True) if samples]
    assert all(0 < share <= 1 for share in seen)
    assert found["total"].count(None) == len(found["samples"]) - len(seen)


def test_a_function_has_to_be_named(ask, host: Host) -> None:
    assert "function" in ask("/profiles/sandwich?service=x", status=422)["errors"]
    assert "function" in ask("/profiles/function?service=x", status=422)["errors"]
    assert "slices" in ask("/profiles/function?service=x&function=f&slices=0", status=422)["errors"]
