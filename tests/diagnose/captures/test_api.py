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
from diagnose.access.problems import Problem
from diagnose.captures import files, query
from diagnose.captures.request import Wanted, cancel, request_capture
from diagnose.models import Capture, Host
from diagnose.models.access import Role

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("valkey")]
OSKAR = Actor("oskar", Role.OPERATOR, None, None, None)


@pytest.fixture
def capture(host, valkey) -> Capture:
    return request_capture(host, Wanted(CaptureTarget(pid=812), "python_cpu", 10, 100, ""), OSKAR)


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


def send_file(collector: Client, capture: Capture, name: str, content: bytes):
    address = f"/api/v1/captures/{capture.id}/files?name={name}"
    return collector.post(address, content, content_type="application/octet-stream")


def test_a_file_is_kept_for_download_and_makes_the_capture_done(collector, capture, viewer, data_dir):
    content = b"go 1.22 trace\x00" * 100_000
    assert send_file(collector, capture, "trace.out", content).json() == {
        "name": "trace.out",
        "bytes": len(content),
    }
    assert send_file(collector, capture, "trace.out", content).status_code == 201
    post_progress(collector, capture, state="done", message="1 MB of events")
    assert query.get(capture.id).state == "done"
    person = Client()
    person.force_login(viewer)
    shown = person.get(f"/api/v1/captures/{capture.id}").json()
    (file,) = shown["files"]
    assert (file["name"], file["bytes"], shown["result"]) == ("trace.out", len(content), None)
    answer = person.get(file["url"])
    assert answer.getvalue() == content
    assert answer["Content-Disposition"] == 'attachment; filename="trace.out"'
    assert person.get(f"/api/v1/captures/{capture.id}/files/other").status_code == 404


@pytest.mark.parametrize("name", ["", "..", "../../etc/passwd", ".hidden", "a/b", "x" * 81, "a b"])
def test_a_file_is_kept_under_plain_names_only(collector, capture, data_dir, name):
    assert send_file(collector, capture, name, b"x").status_code == 422
    assert not list(data_dir.glob("captures/**/*.*"))


def test_a_file_that_is_too_large_is_refused_and_leaves_nothing(collector, capture, data_dir, monkeypatch):
    monkeypatch.setattr(files, "MAX_FILE_BYTES", 1 << 20)
    refused = send_file(collector, capture, "trace.out", bytes((1 << 20) + 1))
    assert refused.status_code == 413
    assert "capture for a shorter time" in refused.json()["detail"]
    assert [path for path in (data_dir / "captures").rglob("*") if path.is_file()] == []
    assert send_file(collector, capture, "trace.out", bytes(1 << 20)).status_code == 201


def test_a_file_of_a_capture_that_is_over_or_of_another_host_is_refused(collector, capture, data_dir):
    cancel(capture, OSKAR)
    assert send_file(collector, capture, "trace.out", b"x").status_code == 409
    other = Capture.objects.create(
        host=Host.objects.create(identity="e" * 32, name="web-2"), seconds=1, hz=10, requested_by="ada"
    )
    assert send_file(collector, other, "trace.out", b"x").status_code == 404


def test_files_go_with_their_capture_and_the_oldest_when_there_are_too_many(
    collector, capture, data_dir, monkeypatch
):
    send_file(collector, capture, "a.out", bytes(600))
    send_file(collector, capture, "b.out", bytes(600))
    monkeypatch.setattr(files, "MAX_TOTAL_BYTES", 1000)
    files.tidy()
    assert [file.name for file in capture.files.all()] == ["b.out"]
    folder = data_dir / "captures" / capture.id
    assert [path.name for path in folder.iterdir()] == ["b.out"]
    (folder / "b.out").unlink()
    with pytest.raises(Problem) as gone:
        files.opened(capture, "b.out")
    assert gone.value.status == 410
    capture.delete()
    files.tidy()
    assert not folder.exists()
