"""The collector's endpoints, and the redirects to the stream process."""

from __future__ import annotations

import json
import re
import time
from urllib.parse import parse_qs, urlsplit

import pytest
from django.test import Client, RequestFactory

from collectors.wire import CaptureTarget
from diagnose import queue
from diagnose.access import tickets
from diagnose.access.actor import Actor
from diagnose.captures import query
from diagnose.captures.request import cancel, request_capture
from diagnose.models import Capture
from diagnose.models.access import Role

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("valkey")]
OSKAR = Actor("oskar", Role.OPERATOR, None, None, None)


@pytest.fixture
def capture(host, valkey) -> Capture:
    return request_capture(
        host=host, target=CaptureTarget(pid=812), kind="cpu", seconds=10, hz=100, reason="", actor=OSKAR
    )


@pytest.fixture
def collector(host_token) -> Client:
    return Client(headers={"Authorization": f"Bearer {host_token}", "Host": "localhost:8000"})


def post_progress(collector: Client, capture: Capture, **status):
    body = json.dumps({"id": capture.id, **status})
    return collector.post(f"/api/v1/captures/{capture.id}/progress", body, content_type="application/json")


def test_a_poll_that_does_not_wait_is_answered_at_once(collector, capture):
    answer = collector.get("/api/v1/commands?wait=0").json()
    assert [command["id"] for command in answer["commands"]] == [capture.id]
    assert answer["commands"][0]["target"] == {"pid": 812}
    assert abs(answer["now_ns"] - time.time_ns()) < 5e9
    again = collector.get(f"/api/v1/commands?wait=0&after={answer['after']}").json()
    assert again["commands"] == []


def test_a_poll_that_waits_is_sent_to_the_stream_process_with_a_ticket_for_its_host(collector, host):
    response = collector.get("/api/v1/commands?wait=25&after=5-0")
    assert response.status_code == 307
    url = urlsplit(response["Location"])
    given = parse_qs(url.query)
    assert (url.netloc, url.path) == ("localhost:18891", "/commands")
    assert (given["wait"], given["after"]) == (["25"], ["5-0"])
    assert tickets.verify(given["ticket"][0]) == queue.commands_stream(host.id)


@pytest.mark.parametrize("query_string", ["wait=-1", "wait=900", "wait=soon", "wait=0&after=../x"])
def test_a_poll_that_makes_no_sense_is_refused(collector, query_string):
    response = collector.get(f"/api/v1/commands?{query_string}")
    assert response.status_code == 422
    assert response["Content-Type"] == "application/problem+json"


def test_progress_is_noted_and_answered_with_the_state(collector, capture):
    response = post_progress(collector, capture, state="running", progress=0.25, message="Sampling")
    assert response.json() == {"state": "running"}
    assert query.get(capture.id).progress == 0.25
    cancel(capture, OSKAR)
    assert post_progress(collector, capture, state="running", progress=0.5).json() == {"state": "cancelled"}


@pytest.mark.parametrize("status", [{"state": "dancing"}, {"state": "running", "progress": "half"}, {}])
def test_progress_that_does_not_fit_is_refused(collector, capture, status):
    assert post_progress(collector, capture, **status).status_code == 422


def test_progress_on_another_capture_than_the_address_names_is_refused(collector, capture):
    body = json.dumps({"id": "01OTHER", "state": "running"})
    response = collector.post(
        f"/api/v1/captures/{capture.id}/progress", body, content_type="application/json"
    )
    assert response.status_code == 422


def test_only_collectors_poll_and_report(capture, operator):
    person = Client()
    person.force_login(operator)
    assert person.get("/api/v1/commands?wait=0").status_code in {401, 403}
    assert post_progress(person, capture, state="failed").status_code in {401, 403}
    assert query.get(capture.id).state == "queued"


def test_events_are_sent_to_the_stream_process_with_a_ticket_for_the_capture(capture, viewer):
    person = Client()
    assert person.get(f"/api/v1/captures/{capture.id}/events").status_code == 401
    person.force_login(viewer)
    response = person.get(f"/api/v1/captures/{capture.id}/events")
    assert response.status_code == 307
    ticket = parse_qs(urlsplit(response["Location"]).query)["ticket"][0]
    assert tickets.verify(ticket) == queue.capture_stream(capture.id)
    assert person.get("/api/v1/captures/01NOSUCH/events").status_code == 404


def test_events_of_a_capture_that_the_queue_forgot_begin_with_its_state(capture, viewer, valkey):
    valkey.flushall()
    person = Client()
    person.force_login(viewer)
    person.get(f"/api/v1/captures/{capture.id}/events")
    ((_, fields),) = valkey.xrange(queue.capture_stream(capture.id))
    assert json.loads(fields[b"event"])["state"] == "queued"


def test_the_stream_process_is_looked_for_at_the_host_of_the_request(settings):
    from diagnose.stream.origin import stream_origin

    factory = RequestFactory()
    settings.STREAM_PORT, settings.ALLOWED_HOSTS = 8001, ["*"]
    assert stream_origin(factory.get("/", headers={"Host": "web:8000"})) == "http://web:8001"
    assert stream_origin(factory.get("/", headers={"Host": "[::1]:8000"})) == "http://[::1]:8001"
    assert stream_origin(factory.get("/", headers={"Host": "[::1]"})) == "http://[::1]:8001"
    settings.STREAM_URL = "https://diagnose.example/stream/"
    assert stream_origin(factory.get("/")) == "https://diagnose.example/stream"


def test_a_redirect_is_not_kept_by_caches(collector):
    response = collector.get("/api/v1/commands?wait=25")
    assert re.search("no-store", response["Cache-Control"])
