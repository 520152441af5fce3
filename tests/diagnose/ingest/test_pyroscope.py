"""What Pyroscope's clients send is stored as it was measured, or refused with the parameter and the remedy."""

import base64
import gzip
import json
import time
from pathlib import Path
from urllib.parse import urlencode

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from collectors.formats.profile import BadProfile
from diagnose.access import tokens
from diagnose.access.problems import Problem
from diagnose.ingest import pushed, pyroscope, pyroscope_push
from diagnose.models import Host, Token
from diagnose.store import flamegraph, profiles

SDK = Path("tests/fixtures/pyroscope/python-sdk-1.4.bin").read_bytes()
PUSH = "/push.v1.PusherService/Push"
NOW = time.time_ns()


@pytest.fixture
def bearer(operator):
    return {"Authorization": f"Bearer {tokens.issue(Token.Kind.USER, user=operator)}"}


@pytest.fixture
def send(client, bearer, data_dir):
    def post(body, path="/ingest", *, headers=None, content_type="application/octet-stream", **query):
        query = {"name": "shop.cpu{region=eu,hostname=web-7}", **query}
        address = f"{path}?{urlencode(query)}"
        return client.post(address, body, content_type=content_type, headers=headers or bearer)

    return post


def stored(service="shop", kind="cpu") -> dict[str, int]:
    merged = profiles.merge(profiles.Selector(service, kind), NOW - 10**15, NOW + 10**15)
    return {
        ";".join(frame.name for frame in row.frames): row.count
        for row in flamegraph.stacks(service, merged, 99)
    }


@pytest.mark.parametrize("path", ["/ingest", "/pyroscope/ingest"])
def test_folded_stacks_are_stored_with_service_labels_and_host(send, path):
    answer = send(b"main;price 7\nmain;sell 3\n", path, format="folded", sampleRate=50)
    assert answer.status_code == 200
    assert stored() == {"main;price": 7, "main;sell": 3}
    found = profiles.merge(
        profiles.Selector("shop", "cpu", labels={"region": "eu"}), NOW - 10**14, NOW + 10**14
    )
    assert found.period_ns == 20_000_000
    assert Host.objects.get().name == "web-7"


def test_lines_count_what_stands_there_more_than_once(send):
    send(b"main;price\nmain;price\nmain;sell\n", format="lines")
    assert stored() == {"main;price": 2, "main;sell": 1}


def test_speedscope_is_read(send):
    profile = {
        "$schema": "https://www.speedscope.app/file-format-schema.json",
        "shared": {"frames": [{"name": "main"}, {"name": "price"}]},
        "profiles": [
            {"type": "sampled", "name": "t", "unit": "none", "startValue": 0, "endValue": 4,
             "samples": [[0, 1]], "weights": [4]}
        ],
    }  # fmt: skip
    assert send(json.dumps(profile).encode(), format="speedscope").status_code == 200
    assert stored() == {"main;price": 4}


def test_a_form_carries_the_profile_as_a_file(client, bearer, data_dir):
    form = {"profile": SimpleUploadedFile("p", b"main 5")}
    assert client.post("/ingest?name=shop.wall", form, headers=bearer).status_code == 200
    assert stored(kind="wall") == {"main": 5}


def test_what_the_python_sdk_pushes_is_stored_as_samples(client, bearer, data_dir):
    answer = client.post(PUSH, gzip.decompress(SDK), content_type="application/proto", headers=bearer)
    assert (answer.status_code, answer.content) == (200, b"")
    found = stored()
    assert any("serve;price" in stack for stack in found)
    assert 100 < sum(found.values()) < 2000
    assert Host.objects.get().name == "web-7"


def test_a_password_of_basic_authentication_is_the_token(send, bearer):
    secret = bearer["Authorization"].split()[1]
    basic = base64.b64encode(f"anybody:{secret}".encode()).decode()
    assert send(b"main 1", headers={"Authorization": f"Basic {basic}"}).status_code == 200
    assert send(b"main 1", headers={"Authorization": "Basic !!"}).status_code == 401


def test_nobody_pushes_without_the_role(client, viewer, data_dir):
    asking = {"Authorization": f"Bearer {tokens.issue(Token.Kind.USER, user=viewer)}"}
    assert (
        client.post("/ingest?name=shop", b"main 1", content_type="text/plain", headers=asking).status_code
        == 403
    )
    assert client.post("/ingest?name=shop", b"main 1", content_type="text/plain").status_code == 401


def test_data_of_yesterday_is_accepted(send):
    start = NOW // 10**9 - 86_400
    assert send(b"main 2", **{"from": start, "until": start + 10}).status_code == 200
    assert stored() == {"main": 2}


@pytest.mark.parametrize(
    ("query", "body", "status", "said"),
    [
        ({"name": ""}, b"main 1", 400, "name"),
        ({"name": "shop{region}"}, b"main 1", 400, "region"),
        ({"from": "tomorrow"}, b"main 1", 400, "from"),
        ({"from": "20", "until": "10"}, b"main 1", 400, "before"),
        ({"from": "1", "until": "999999"}, b"main 1", 400, "by a day"),
        ({"sampleRate": "-1"}, b"main 1", 400, "sampleRate"),
        ({"format": "jfr"}, b"x", 422, "pprof, folded"),
        ({"format": "tree"}, b"x", 422, "pprof, folded"),
        ({"format": "zip"}, b"x", 400, "format"),
        ({"format": "pprof"}, b"nonsense", 422, "cannot be read"),
        ({"format": "folded"}, b"main many", 422, "line 1"),
        ({}, b"", 400, "empty"),
    ],
)
def test_what_cannot_be_taken_names_the_parameter_and_the_remedy(send, query, body, status, said):
    answer = send(body, **query)
    assert answer.status_code == status
    assert said in answer.json()["detail"]
    assert not Host.objects.exists()


def test_a_profile_over_its_bound_is_refused_unread(send, monkeypatch):
    monkeypatch.setattr(pyroscope, "MAX_BODY_BYTES", 10)
    assert send(b"main 1\nmain;b 2\n").status_code == 413


def test_a_bomb_costs_no_more_than_its_bound(client, bearer, data_dir):
    bomb = gzip.compress(bytes(100 * 2**20))
    answer = client.post(PUSH, bomb, content_type="application/proto", headers=bearer)
    assert answer.status_code == 413


def test_a_rejected_profile_does_not_keep_back_those_beside_it(client, bearer, data_dir):
    def field(number: int, body: bytes) -> bytes:
        size, encoded = len(body), b""
        while size > 127:
            encoded, size = encoded + bytes([size & 127 | 128]), size >> 7
        return bytes([number << 3 | 2]) + encoded + bytes([size]) + body

    label = field(1, field(1, b"service_name") + field(2, b"broken"))
    broken = field(1, label + field(2, field(1, b"\xff\xff")))
    body = broken + gzip.decompress(SDK)
    answer = client.post(PUSH, body, content_type="application/proto", headers=bearer)
    assert answer.status_code == 422
    assert "broken" in answer.json()["detail"]
    assert stored()


def test_a_host_label_that_changes_all_the_time_is_stopped(send, monkeypatch):
    monkeypatch.setattr(pushed, "MOST_HOSTS", 3)
    answers = [send(b"main 1", name=f"shop{{hostname=h{n}}}").status_code for n in range(5)]
    assert answers == [200, 200, 200, 429, 429]
    assert send(b"main 1", name="shop{hostname=h0}").status_code == 200


@pytest.mark.parametrize("text", ["1795601261", "1795601261000", "1795601261000000", "1795601261000000000"])
def test_times_are_told_apart_by_their_size(text):
    query = {"name": "a", "from": str(int(text) - 10 * 10 ** (len(text) - 10)), "until": text}
    found = pyroscope.parsed(query, NOW)
    assert found.end_ns == 1_795_601_261 * 10**9
    assert found.end_ns - found.start_ns == 10 * 10**9


@given(
    st.dictionaries(st.sampled_from(["name", "from", "until", "format", "sampleRate"]), st.text(max_size=60))
)
@settings(max_examples=300, deadline=None)
def test_any_query_is_understood_or_refused(query):
    try:
        found = pyroscope.parsed(query, NOW)
    except Problem:
        return
    assert found.start_ns < found.end_ns


@given(st.binary(max_size=300) | st.builds(lambda cut: gzip.decompress(SDK)[:cut], st.integers(0, 380)))
@settings(max_examples=300, deadline=None, suppress_health_check=[HealthCheck.too_slow])
def test_any_bytes_are_a_push_or_refused(data):
    try:
        for labels, raw in pyroscope_push.profiles_in(data):
            pyroscope_push.read(labels, raw, NOW)
    except BadProfile:
        pass
