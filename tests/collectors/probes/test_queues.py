"""Jobs that wait in lists of a real Valkey, by address and by socket, and stores that cannot be asked."""

from __future__ import annotations

import socket
import threading
from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from collectors import values
from collectors.probe import NoData
from collectors.probes.app import queues
from collectors.probes.app.queues import Queues
from collectors.wire import Points, ProbeStatus
from tests.collectors.probes.recorded import host
from tests.conftest import SOCKET

STORE = f"redis+socket://{SOCKET}"


def told(targets: list[tuple[str, str]]) -> dict[tuple[str, str], float]:
    points = [sample for sample in Queues(targets).collect(host()) if isinstance(sample, Points)]
    return {(point.labels["queue"], point.labels["store"]): point.values[0] for point in points}


def test_the_jobs_of_each_list_are_counted_with_all_of_celerys_priorities(valkey):
    valkey.rpush("celery", *range(7))
    valkey.rpush("celery\x06\x169", *range(2))
    valkey.rpush("mail", "one")
    found = told([("celery", STORE), ("mail", STORE), ("nobody", STORE)])
    assert found == {("celery", str(SOCKET)): 9, ("mail", str(SOCKET)): 1, ("nobody", str(SOCKET)): 0}


def test_the_database_of_the_address_is_asked(valkey):
    valkey.rpush("celery", "in database 0")
    assert list(told([("celery", f"{STORE}?virtual_host=1")]).values()) == [0]


def test_a_key_that_is_no_list_is_told_in_the_stores_words(valkey):
    valkey.set("celery", "text")
    with pytest.raises(NoData, match="WRONGTYPE"):
        told([("celery", STORE)])


def test_a_store_that_is_away_costs_its_own_lists_only(valkey):
    valkey.rpush("celery", "job")
    samples = list(Queues([("celery", STORE), ("mail", "redis://127.0.0.1:1/0")]).collect(host()))
    assert [sample.values for sample in samples if isinstance(sample, Points)] == [[1.0]]
    (away,) = [sample for sample in samples if isinstance(sample, ProbeStatus) and not sample.ok]
    assert away.probe == "queues.127.0.0.1:1/0"
    assert "refused" in away.reason
    assert "queues.targets" in away.reason


def answering(reply: bytes) -> str:
    """The address of a store that says this to whoever comes first, and hangs up."""
    server = socket.create_server(("127.0.0.1", 0))

    def answer() -> None:
        with server, server.accept()[0] as connection:
            connection.recv(4096)
            connection.sendall(reply)

    threading.Thread(target=answer, daemon=True).start()
    return f"redis://diagnose:se%20cret@127.0.0.1:{server.getsockname()[1]}/3"


@pytest.mark.parametrize(
    ("reply", "reason"),
    [
        (b"-NOAUTH Authentication required.\r\n", "NOAUTH"),
        (b"", "closed the connection"),
        (b"+OK\r\n+OK\r\n:7", "7"),
        (b"HTTP/1.1 400 Bad Request\r\n", "HTTP/1.1 400"),
        (b"+OK\r\n+OK\r\n:seven\r\n", "seven"),
    ],
)
def test_garbage_and_refusals_are_told_without_the_password(reply, reason):
    with pytest.raises(NoData, match=reason) as caught:
        told([("celery", answering(reply))])
    assert "cret" not in str(caught.value)


@given(st.binary(max_size=40))
def test_a_line_is_understood_or_refused(line):
    with suppress(ValueError):
        assert queues._answer(line)


def test_addresses_of_other_kinds_are_refused_with_an_example():
    read = values.targets("celery=redis://127.0.0.1:6379/0", "redis", "redis+socket")
    assert read("celery=redis://h/1,mail=redis+socket:///run/v") == (
        ("celery", "redis://h/1"),
        ("mail", "redis+socket:///run/v"),
    )
    for wrong in ("celery=http://h/1", "celery", "=redis://h", "celery=redis:///0"):
        with pytest.raises(ValueError, match="celery=redis"):
            read(wrong)
