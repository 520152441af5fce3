"""Wrong passwords slow down whoever tries them, and nobody else."""

import pytest
import redis

from diagnose import queue
from diagnose.access import throttle
from tests.conftest import PASSWORD


@pytest.fixture
def tries(client, viewer, valkey):
    def one(password: str = "guess", name: str = "vera", address: str = "192.0.2.1"):
        return client.post("/sign-in", {"username": name, "password": password}, REMOTE_ADDR=address)

    return one


def test_an_address_that_guesses_has_to_wait_even_with_the_right_password(tries):
    for _ in range(throttle.MOST_BY_ADDRESS):
        assert tries().status_code == 401
    answer = tries(PASSWORD)
    assert answer.status_code == 429
    assert 0 < int(answer["Retry-After"]) <= throttle.WINDOW_SECONDS
    assert "Too many wrong passwords" in answer.content.decode()


def test_an_honest_user_at_another_address_is_not_affected(tries):
    for _ in range(throttle.MOST_BY_ADDRESS + 5):
        tries()
    assert tries(PASSWORD, address="192.0.2.2").status_code == 302


def test_many_addresses_that_guess_one_name_are_stopped_and_its_owner_is_not(tries, client):
    assert tries(PASSWORD, address="198.51.100.7").status_code == 302
    client.logout()
    for number in range(throttle.MOST_BY_NAME):
        tries(address=f"203.0.113.{number}")
    assert tries(PASSWORD, address="203.0.113.200").status_code == 429
    assert tries(PASSWORD, address="198.51.100.7").status_code == 302


def test_other_names_are_not_affected(tries, operator):
    for number in range(throttle.MOST_BY_NAME + 1):
        tries(address=f"203.0.113.{number}")
    assert tries(PASSWORD, name="oskar", address="203.0.113.250").status_code == 302


def test_signing_in_forgets_the_wrong_tries_before(tries, client):
    for _ in range(throttle.MOST_BY_ADDRESS - 1):
        tries()
    assert tries(PASSWORD).status_code == 302
    client.logout()
    assert tries().status_code == 401


def test_without_redis_people_get_in(tries, monkeypatch):
    gone = redis.Redis(unix_socket_path="/nonexistent/valkey.sock")
    monkeypatch.setattr(queue, "client", lambda: gone)
    assert tries(PASSWORD).status_code == 302


def test_what_was_typed_as_a_name_is_not_kept(tries):
    tries(name="my-password-by-mistake")
    keys = b" ".join(queue.client().keys("*sign-in*"))
    assert b"mistake" not in keys


def test_a_thousand_wrong_tries_are_put_off_without_looking_at_the_password(tries, viewer, monkeypatch):
    looked = []
    monkeypatch.setattr(type(viewer), "check_password", lambda *_: looked.append(1) or False)
    answers = [tries().status_code for _ in range(1000)]
    assert answers.count(401) == len(looked) == throttle.MOST_BY_ADDRESS
    assert answers.count(429) == 1000 - throttle.MOST_BY_ADDRESS
