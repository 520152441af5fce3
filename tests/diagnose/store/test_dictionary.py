"""Numbers of services, stacks and series: the same for everybody, also when many ask at once."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
from django.db import connection, transaction
from numpy.typing import NDArray

from diagnose.models import Frame, Host, Service, Stack
from diagnose.store import dictionary, serieskeys
from diagnose.store.names import FrameInfo


def frames(*names: str) -> list[FrameInfo]:
    return [FrameInfo(name, "shop.py", 1, "") for name in names]


def numbers_of(
    service: Service, known: list[FrameInfo], stacks: list[list[int]], threads: list[str]
) -> NDArray[np.uint32]:
    return dictionary.stack_numbers(service, known, stacks, threads)


def test_the_same_stack_has_the_same_number_however_it_is_indexed(db):
    service = dictionary.services_of(["shop"])["shop"]
    first = numbers_of(service, frames("a", "b"), [[0, 1], [1]], ["t", "t"])
    second = numbers_of(service, frames("b", "a"), [[0], [1, 0]], ["t", "t"])
    assert first.tolist() == [0, 1]
    assert second.tolist() == [1, 0]


def test_threads_lines_and_services_keep_stacks_apart(db):
    shop, other = (dictionary.services_of(["shop", "other"])[name] for name in ("shop", "other"))
    numbers_of(shop, frames("a"), [[0], [0]], ["t", "u"])
    numbers_of(shop, [FrameInfo("a", "shop.py", 2, "")], [[0]], ["t"])
    assert numbers_of(other, frames("a"), [[0]], ["t"]).tolist() == [0]
    assert Stack.objects.filter(service=shop).count() == 3


def test_empty_profiles_and_empty_stacks_have_their_place(db):
    service = dictionary.services_of(["shop"])["shop"]
    assert numbers_of(service, [], [], []).tolist() == []
    assert numbers_of(service, [], [[]], ["t"]).tolist() == [0]


@pytest.mark.django_db(transaction=True)
def test_many_workers_at_once_agree_on_every_number():
    service = dictionary.services_of(["shop"])["shop"]
    names = [f"f{number}" for number in range(60)]

    def learn(shift: int) -> dict[str, int]:
        mine = names[shift:] + names[:shift]
        try:
            numbers = numbers_of(service, frames(*mine), [[n] for n in range(60)], ["t"] * 60)
            return dict(zip(mine, numbers.tolist(), strict=True))
        finally:
            connection.close()

    with ThreadPoolExecutor(6) as pool:
        found = list(pool.map(learn, range(0, 60, 5)))
    assert all(one == found[0] for one in found)
    assert sorted(found[0].values()) == list(range(60))
    assert sorted(Frame.objects.values_list("number", flat=True)) == list(range(60))


@pytest.mark.django_db(transaction=True)
def test_a_service_that_was_deleted_and_made_again_starts_anew():
    service = dictionary.services_of(["shop"])["shop"]
    numbers_of(service, frames("a", "b"), [[0], [1]], ["t", "t"])
    Service.objects.all().delete()
    again = Service.objects.create(pk=service.pk, name="shop")
    assert numbers_of(again, frames("b"), [[0]], ["t"]).tolist() == [0]


@pytest.mark.django_db(transaction=True)
def test_series_have_one_number_whatever_the_order_of_their_labels():
    host = Host.objects.create(identity="a" * 32, name="web-1")

    def learn(_: int) -> list[int]:
        keys = [serieskeys.key_of("cpu", {"cpu": str(cpu), "mode": "user"}) for cpu in range(50)]
        try:
            return serieskeys.series_numbers(host, keys, [True] * 50)
        finally:
            connection.close()

    with ThreadPoolExecutor(4) as pool:
        found = list(pool.map(learn, range(8)))
    assert all(one == found[0] for one in found)
    assert len(set(found[0])) == 50
    turned = serieskeys.key_of("cpu", {"mode": "user", "cpu": "7"})
    assert serieskeys.series_numbers(host, [turned], [True]) == [found[0][7]]


@pytest.mark.django_db(transaction=True)
def test_numbers_of_a_transaction_that_was_rolled_back_are_not_remembered():
    service = dictionary.services_of(["shop"])["shop"]
    with transaction.atomic():
        numbers_of(service, frames("gone"), [[0]], ["t"])
        transaction.set_rollback(True)
    assert numbers_of(service, frames("new"), [[0]], ["t"]).tolist() == [0]
    assert list(Frame.objects.values_list("name", flat=True)) == ["new"]
