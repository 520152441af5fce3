"""One request to a Go process, whatever answers there."""

from __future__ import annotations

import threading
import time
from concurrent.futures import ThreadPoolExecutor

import pytest

from collectors.capture.failures import CaptureError
from collectors.capture.golang import endpoint as module
from collectors.capture.golang.endpoint import Busy, Endpoint, Pull, alone
from tests.collectors.capture.golang import bad_servers
from tests.collectors.capture.golang.bad_servers import answering, body, says


@pytest.fixture(autouse=True)
def _short(monkeypatch):
    monkeypatch.setattr(module, "CONNECT_SECONDS", 0.2)
    monkeypatch.setattr(module, "GRACE_SECONDS", 0.2)


@pytest.mark.parametrize(
    ("address", "url"),
    [
        ("http://127.0.0.1:6060", "http://127.0.0.1:6060/debug/pprof"),
        ("http://[::1]:6060/", "http://[::1]:6060/debug/pprof"),
        ("https://shop:6060/admin/pprof/", "https://shop:6060/admin/pprof"),
    ],
)
def test_an_address_without_a_path_means_the_usual_one(address, url):
    assert Endpoint.of("shop", address).url == url


def test_what_it_answers_is_returned():
    with answering(body(b"a profile")) as endpoint, alone(endpoint) as pull:
        assert pull.fetch("heap") == b"a profile"


def hang(connection):
    time.sleep(5)


def drip(connection):
    connection.sendall(b"HTTP/1.1 200 OK\r\n\r\n")
    for _ in range(200):
        time.sleep(0.05)
        connection.sendall(b"x")


@pytest.mark.parametrize(
    ("answer", "words"),
    [
        (hang, "did not answer within 0 s; is it overloaded"),
        (drip, "did not answer within 0 s; is it overloaded"),
        (says(b""), "broke off"),
        (says(b"SSH-2.0-OpenSSH_9.2\r\n"), "broke off"),
        (says(b"HTTP/1.1 200 OK\r\nContent-Length: 50\r\n\r\nshort"), "broke off"),
        (says(b"HTTP/1.1 200 OK\r\nX: " + b"x" * 100_000), "broke off"),
        (body(b"404 page not found\n", "404 Not Found"), "has to import net/http/pprof"),
        (
            body(b"Could not enable CPU profiling: cpu profiling already in use\n", "500 Internal"),
            "somebody else takes a CPU profile",
        ),
        (
            body(b"profile duration exceeds server's WriteTimeout\n", "400 Bad"),
            "answers 400: profile duration",
        ),
        (body(b"", "301 Moved"), "answers 301: without words"),
        (bad_servers.without_end, "sent more than 1 MiB"),
    ],
)
def test_what_is_no_answer_is_told_in_words(answer, words):
    with answering(answer) as endpoint, alone(endpoint) as pull:
        began = time.monotonic()
        with pytest.raises(CaptureError, match=words):
            pull.fetch("heap", most_bytes=1 << 20)
        assert time.monotonic() - began < 4


def test_nobody_there_is_told_in_words():
    with answering(hang) as endpoint:
        pass
    with pytest.raises(CaptureError, match="Nobody listens at"):
        Pull(endpoint).fetch("heap")


def test_a_request_is_ended_at_once_from_another_thread():
    with answering(hang) as endpoint, alone(endpoint) as pull, ThreadPoolExecutor(1) as worker:
        answer = worker.submit(pull.fetch, "profile", 60)
        time.sleep(0.2)
        pull.end()
        with pytest.raises(CaptureError, match="was ended"):
            answer.result(timeout=1)


def test_a_request_that_was_ended_before_it_began_is_not_made():
    with answering(body(b"x")) as endpoint:
        pull = Pull(endpoint)
        pull.end()
        with pytest.raises(CaptureError, match="was ended"):
            pull.fetch("heap")


def test_two_never_read_one_process_and_a_person_goes_first():
    endpoint, entered = Endpoint("shop", "http://127.0.0.1:1/debug/pprof", 7), threading.Event()
    other = Endpoint("shop", "http://127.0.0.1:2/debug/pprof", 7)

    def hold(pull):
        entered.set()
        while not pull._ended:
            time.sleep(0.01)

    with ThreadPoolExecutor(1) as worker:

        def read_on() -> str:
            with alone(endpoint) as pull:
                hold(pull)
            return "left"

        holder = worker.submit(read_on)
        assert entered.wait(2)
        with pytest.raises(Busy), alone(other):
            pass
        with alone(other, urgent=True):
            assert holder.result(timeout=1) == "left"
    with alone(endpoint):
        pass


def test_a_second_person_is_refused_and_the_first_goes_on(monkeypatch):
    monkeypatch.setattr(module, "_LEAVE_SECONDS", 0.1)
    endpoint = Endpoint("shop", "http://127.0.0.1:1/debug/pprof", 8)
    with alone(endpoint, urgent=True) as pull:
        with pytest.raises(CaptureError, match="Another capture of shop"), alone(endpoint, urgent=True):
            pass
        assert not pull._ended
