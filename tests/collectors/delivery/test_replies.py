"""Reports and files of captures: sent until the server has them, and given up in its own words."""

from __future__ import annotations

import json
import threading

import pytest

from collectors.capture.failures import CaptureError
from collectors.delivery import replies as replies_module
from collectors.delivery.client import Client
from collectors.delivery.replies import FINAL_ATTEMPTS, Replies
from collectors.wire import CommandStatus
from tests.collectors.acceptor import Acceptor, json_reply, serving

PROGRESS, FILES = "/api/v1/captures/c1/progress", "/api/v1/captures/c1/files"


@pytest.fixture
def server():
    with serving(Acceptor()) as acceptor:
        yield acceptor


@pytest.fixture
def replies(server, monkeypatch) -> Replies:
    monkeypatch.setattr(replies_module, "FINAL_RETRY_SECONDS", 0.01)
    return Replies(Client(server.url, lambda: "secret", "test", "", ""), threading.Event())


def test_the_end_of_a_capture_is_told_until_it_is_heard(server, replies):
    server.script[PROGRESS] = [json_reply(503, {}), json_reply(503, {})]
    server.routes[PROGRESS] = lambda _: json_reply(200, {})
    replies.report(CommandStatus("c1", "done", 1.0))
    assert [json.loads(request.body)["state"] for request in server.requests] == ["done"] * 3


def test_progress_in_between_is_told_once(server, replies):
    server.script[PROGRESS] = [json_reply(503, {})]
    replies.report(CommandStatus("c1", "running", 0.5))
    assert len(server.requests) == 1


def test_a_file_is_sent_whole_under_its_name(server, replies):
    server.script[FILES] = [json_reply(503, {})]
    server.routes[FILES] = lambda _: json_reply(201, {})
    replies.keep("c1", "trace of shop.out", b"\x00go 1.22 trace" * 1000)
    first, second = server.requests
    assert first.path == second.path == f"{FILES}?name=trace+of+shop.out"
    assert second.body == b"\x00go 1.22 trace" * 1000


def test_a_file_that_the_server_will_not_have_is_given_up_in_its_words(server, replies):
    server.routes[FILES] = lambda _: json_reply(413, {"detail": "70 MB is over the limit of 64 MB."})
    with pytest.raises(CaptureError, match=r"trace.out \(0.0 MB\) was not kept: 70 MB is over the limit"):
        replies.keep("c1", "trace.out", b"x")
    assert len(server.requests) == 1


def test_a_file_is_given_up_after_some_tries(server, replies):
    server.routes[FILES] = lambda _: (500, {}, b"<html>")
    with pytest.raises(CaptureError, match="the server answered 500"):
        replies.keep("c1", "trace.out", b"x")
    assert len(server.requests) == FINAL_ATTEMPTS
