"""Commands of the server: waited for, polled for, checked, run once."""

from __future__ import annotations

import json
import threading
import time

import pytest

from collectors.delivery import asking as asking_module
from collectors.delivery.asking import POLL_SECONDS, STREAM_RETRY_SECONDS
from collectors.delivery.client import Client
from collectors.delivery.commands import MAX_CAPTURES, Commands
from collectors.wire import CaptureTarget, CommandStatus, Fact
from tests.collectors.acceptor import Acceptor, json_reply, serving

PATH = "/api/v1/commands"


@pytest.fixture
def server():
    with serving(Acceptor()) as acceptor:
        acceptor.routes[PATH] = lambda _: json_reply(200, {"commands": [], "after": "0-0"})
        yield acceptor


class Captures:
    """Stands for the capture package: notes what it is asked for, and runs as long as a test wants."""

    def __init__(self):
        self.started, self.cancelled, self.stopped = [], [], []
        self.may_end = threading.Event()
        self.may_end.set()
        self.error = None

    def __call__(self, command, outlets, ending):
        self.started.append(command)
        if self.error:
            raise self.error
        while not self.may_end.wait(0.01):
            if ending.wait(0):
                (self.cancelled if ending.cancelled else self.stopped).append(command.id)
                break
        outlets.emit(Fact(command.id, "stacks", 1))
        outlets.report(CommandStatus(command.id, "done", 1.0))


@pytest.fixture
def captures():
    return Captures()


@pytest.fixture
def emitted():
    return []


@pytest.fixture
def make(server, tmp_path, captures, emitted):
    def build(refusal=lambda _: None):
        client = Client(server.url, lambda: "secret", "test", "", "")
        return Commands(client, tmp_path / "commands", refusal, captures, emitted.append)

    return build


def capture(identifier, seconds_left=30.0, **more):
    expires = time.time_ns() + int(seconds_left * 1e9)
    command = {"id": identifier, "action": "capture", "expires_ns": expires, "target": {"pid": 1}}
    return {**command, **more}


def cancel(identifier):
    return {"id": identifier, "action": "cancel", "expires_ns": time.time_ns() + 10**10}


def give(server, *commands, after="5-0"):
    server.script.setdefault(PATH, []).append(json_reply(200, {"commands": list(commands), "after": after}))


def reports(server):
    return [json.loads(r.body) for r in server.requests if r.path.endswith("/progress")]


def settle(server, count):
    """Until this many reports came in."""
    server.wait_for(lambda: len(reports(server)) >= count, 5)


def test_a_command_runs_and_its_end_is_reported(server, make, captures, emitted):
    give(server, capture("c1", profile="gil", seconds=3.0, hz=50))
    make().step()
    settle(server, 1)
    (command,) = captures.started
    assert (command.target, command.profile, command.seconds, command.hz) == (
        CaptureTarget(1),
        "gil",
        3.0,
        50,
    )
    assert [sample.name for sample in emitted] == ["c1"]
    assert reports(server)[0]["state"] == "done"
    assert server.requests[-1].path == "/api/v1/captures/c1/progress"
    assert server.requests[-1].headers["authorization"] == "Bearer secret"


def test_the_redirect_to_the_stream_process_is_followed_without_the_token(server, make, captures):
    stream = Acceptor()
    stream.routes["/commands"] = lambda _: json_reply(200, {"commands": [capture("c1")], "after": "7-0"})
    with serving(stream):
        url = f"{stream.url}/commands?ticket=abc&wait=25"
        server.script[PATH] = [(307, {"Location": url}, b"")]
        assert make().step() == 0.0
    assert stream.requests[0].path == "/commands?ticket=abc&wait=25"
    assert "authorization" not in stream.requests[0].headers
    assert [command.id for command in captures.started] == ["c1"]


def test_a_ticket_is_used_until_it_is_over_and_then_the_server_is_asked_for_another(server, make):
    stream, refused = Acceptor(), (401, {}, b"")
    stream.routes["/commands"] = lambda request: json_reply(200, {"commands": [], "after": "7-0"})
    with serving(stream):
        server.routes[PATH] = lambda _: (
            307,
            {"Location": f"{stream.url}/commands?ticket=a&wait=25&after="},
            b"",
        )
        asking = make()
        assert [asking.step(), asking.step()] == [0.0, 0.0]
        stream.script["/commands"] = [refused]
        assert asking.step() == 0.0
    assert [request.path.partition("after=")[2] for request in stream.requests] == ["", "7-0", "7-0", "7-0"]
    asked = [request.path.partition("after=")[2] for request in server.requests]
    assert asked == ["", "7-0"]


def test_a_server_whose_tickets_never_hold_is_not_asked_without_a_pause(server, make):
    stream = Acceptor()
    stream.routes["/commands"] = lambda _: (401, {}, b"")
    with serving(stream):
        server.script[PATH] = [(307, {"Location": f"{stream.url}/commands?ticket=a"}, b"")]
        assert make().step() > 0
    assert len(stream.requests) == 1


def test_an_unreachable_stream_process_means_polling_the_web_process(server, make, captures):
    server.script[PATH] = [(307, {"Location": "http://127.0.0.1:9/commands?ticket=abc"}, b"")]
    give(server, capture("c1"))
    asking = make()
    assert 0 < asking.step() <= STREAM_RETRY_SECONDS[0]
    assert 0 < asking.step() <= STREAM_RETRY_SECONDS[0]
    waits = [r.path.split("wait=")[1].split("&")[0] for r in server.requests if r.path.startswith(PATH)]
    assert waits == ["25", "0", "0"]
    assert asking.error == ""


def test_a_stream_process_that_stays_away_is_tried_ever_more_seldom(server, make, monkeypatch):
    now = [1000.0]
    monkeypatch.setattr(asking_module.time, "monotonic", lambda: now[0])
    redirect = (307, {"Location": "http://127.0.0.1:9/commands"}, b"")
    server.script[PATH] = [redirect, json_reply(200, {"commands": [], "after": ""})] * 5
    asking = make()
    rests = []
    for _ in range(5):
        rests.append(asking.step())
        now[0] += STREAM_RETRY_SECONDS[1]
    assert rests == [1.0, 2.0, 4.0, POLL_SECONDS, POLL_SECONDS]


def test_the_stream_process_is_tried_again_later(server, make, monkeypatch):
    monkeypatch.setattr(asking_module, "STREAM_RETRY_SECONDS", (0.0, 0.0))
    redirect = (307, {"Location": "http://127.0.0.1:9/commands"}, b"")
    answer = json_reply(200, {"commands": [], "after": ""})
    server.script[PATH] = [redirect, answer, redirect, answer]
    asking = make()
    asking.step()
    asking.step()
    assert [("wait=25" in r.path) for r in server.requests] == [True, False, True, False]


def test_a_command_that_comes_twice_runs_once(server, make, captures):
    give(server, capture("c1"), capture("c1"))
    give(server, capture("c1"))
    asking = make()
    asking.step()
    asking.step()
    settle(server, 1)
    assert len(captures.started) == 1


def test_after_a_restart_the_question_goes_on_where_it_was(server, make):
    give(server, after="123-4")
    make().step()
    make().step()
    assert "after=123-4" in server.requests[-1].path


def test_an_expired_command_is_dropped_with_a_hint_at_the_clock(server, make, captures):
    give(server, capture("late", seconds_left=-600))
    make().step()
    settle(server, 1)
    (report,) = reports(server)
    assert report["state"] == "expired"
    assert "600 s" in report["message"]
    assert "clock" in report["message"]
    assert captures.started == []


def test_what_the_owner_denies_is_not_captured_and_the_page_is_told(server, make, captures):
    give(server, capture("c1", target={"service": "vault"}))
    make(lambda target: f"no captures of {target.service}").step()
    settle(server, 1)
    assert reports(server)[0] == {
        "id": "c1",
        "state": "failed",
        "message": "no captures of vault",
        "refused": True,
    }
    assert captures.started == []


def test_a_running_capture_is_cancelled(server, make, captures):
    captures.may_end.clear()
    give(server, capture("c1"))
    give(server, cancel("c1"))
    asking = make()
    asking.step()
    asking.step()
    settle(server, 1)
    assert captures.cancelled == ["c1"]


def test_a_capture_cancelled_before_it_arrived_does_not_run(server, make, captures):
    give(server, cancel("c1"), capture("c1"))
    make().step()
    settle(server, 1)
    assert reports(server)[0]["state"] == "cancelled"
    assert captures.started == []


def test_a_capture_without_a_target_is_refused_in_words(server, make, captures):
    give(server, capture("c1", target=None))
    make().step()
    settle(server, 1)
    assert reports(server)[0]["state"] == "failed"
    assert captures.started == []


def test_captures_at_once_are_bounded(server, make, captures):
    captures.may_end.clear()
    give(server, *[capture(f"c{number}") for number in range(MAX_CAPTURES + 1)])
    asking = make()
    asking.step()
    settle(server, 1)
    (report,) = reports(server)
    assert report["state"] == "failed"
    assert "running on this host already" in report["message"]
    assert len(captures.started) == MAX_CAPTURES
    captures.may_end.set()
    settle(server, MAX_CAPTURES + 1)
    give(server, capture("next"))
    deadline = time.monotonic() + 5
    while threading.active_count() > 2 and any(t.name == "capture" for t in threading.enumerate()):
        assert time.monotonic() < deadline
        time.sleep(0.01)
    asking.step()
    settle(server, MAX_CAPTURES + 2)
    assert captures.started[-1].id == "next"


def test_a_defect_in_a_capture_is_reported_and_the_loop_goes_on(server, make, captures):
    captures.error = RuntimeError("unexpected output of py-spy")
    give(server, capture("c1"))
    asking = make()
    asking.step()
    settle(server, 1)
    assert reports(server)[0]["message"] == "RuntimeError: unexpected output of py-spy"
    assert asking.step() >= 0


@pytest.mark.parametrize(
    "reply",
    [
        json_reply(401, {}),
        json_reply(404, {}),
        json_reply(500, {}),
        (200, {}, b"<html>"),
        (200, {}, b'{"commands": [{"id": 7}]}'),
        (0, {}, b"garbage\r\n\r\n"),
    ],
    ids=["401", "404", "500", "html", "malformed", "no-http"],
)
def test_a_bad_answer_is_waited_out(server, make, captures, reply):
    server.script[PATH] = [reply]
    give(server, capture("c1"))
    asking = make()
    assert asking.step() >= 0.5
    assert asking.error
    asking.step()
    settle(server, 1)
    assert asking.error == ""
    assert len(captures.started) == 1


def test_pauses_grow_while_the_server_is_away(server, make):
    server.script[PATH] = [json_reply(500, {}) for _ in range(10)]
    asking = make()
    pauses = [asking.step() for _ in range(10)]
    assert pauses[0] <= 1.0
    assert 30.0 <= pauses[-1] <= 60.0


def test_stopping_lets_running_captures_hand_over_what_they_have(server, make, captures, emitted):
    captures.may_end.clear()
    give(server, capture("c1"))
    asking = make()
    asking.step()
    asking.stop()
    assert (captures.stopped, captures.cancelled) == (["c1"], [])
    assert [fact.name for fact in emitted] == ["c1"]
