"""`/profiles/uploads`: files of other programs become profiles like all others, or are refused with a way on."""

from __future__ import annotations

import gzip
import json

import pytest
from django.test import Client

from diagnose.ingest import uploads as kept
from diagnose.models import AuditEntry, Host, User
from tests.collectors.formats import messages
from tests.diagnose.web import recorded

pytestmark = pytest.mark.django_db
FOLDED = b"main;serve;parse 30\nmain;serve;render 60\nmain;idle 10\n"
OTHER = b"main;serve;parse 80\nmain;serve;render 20\n"


@pytest.fixture
def bring(operator: User, data_dir):
    """Uploads bytes as an operator; the answer, or the problem when a status is given."""
    client = Client()
    client.force_login(operator)

    def bring(data: bytes, name: str = "a.folded", status: int = 201):
        address = f"/api/v1/profiles/uploads?name={name}"
        answer = client.post(address, data, "application/octet-stream")
        assert answer.status_code == status, answer.content
        return json.loads(answer.content)

    return bring


def shares(graph) -> dict[str, float]:
    names = [graph["strings"][graph["frames"]["name"][frame]] for frame in graph["nodes"]["frame"]]
    return dict(zip(names, graph["nodes"]["total"], strict=True))


def test_a_file_is_a_flame_graph_a_table_and_a_sandwich(ask, bring) -> None:
    brought = bring(gzip.compress(FOLDED))
    assert (brought["format"], brought["values"]) == ("folded", ["samples"])
    graph = ask(f"/profiles/flamegraph?upload={brought['id']}")
    assert (graph["service"], graph["type"], graph["unit"]) == ("a.folded", "samples", "samples")
    assert shares(graph) == {"all": 100, "main": 100, "idle": 10, "serve": 90, "parse": 30, "render": 60}
    top = ask(f"/profiles/top?upload={brought['id']}")["results"]
    assert [(row["name"], row["self"]) for row in top[:2]] == [("render", 60), ("parse", 30)]
    assert ask(f"/profiles/sandwich?upload={brought['id']}&function=serve")["total"] == 90


@pytest.mark.parametrize("shape", ["folded", "speedscope", "pprof", "svg"])
def test_a_file_leaves_in_every_format(bring, viewer: User, shape: str) -> None:
    client = Client()
    client.force_login(viewer)
    answer = client.get(f"/api/v1/profiles/flamegraph?upload={bring(FOLDED)['id']}&format={shape}")
    content = gzip.decompress(answer.content) if shape == "pprof" else answer.content
    assert b"render" in content


def test_what_leaves_comes_back_the_same(ask, bring, viewer: User, host: Host, valkey) -> None:
    stacks = recorded.shop_stacks("cpu")
    recorded.send(host, stacks)
    client = Client()
    client.force_login(viewer)
    ours = shares(ask("/profiles/flamegraph?service=shop.py&cut=0"))
    for shape, factor in (("folded", 1), ("pprof", 1), ("speedscope", 10_000_000)):
        file = client.get(f"/api/v1/profiles/flamegraph?service=shop.py&format={shape}").content
        again = shares(ask(f"/profiles/flamegraph?upload={bring(file)['id']}&cut=0"))
        assert {name: total / factor for name, total in again.items() if name in ours} == ours


def test_samples_with_a_period_come_first_and_each_value_can_be_asked_for(ask, bring) -> None:
    file = messages.pprof(
        {"main.run": (3, 30_000_000)}, (("samples", "count"), ("cpu", "nanoseconds")), 10_000_000
    )
    brought = bring(file, "a.pb.gz")
    assert (brought["format"], brought["values"]) == ("pprof", ["samples", "cpu"])
    assert ask(f"/profiles/flamegraph?upload={brought['id']}")["total"] == 3
    time = ask(f"/profiles/flamegraph?upload={brought['id']}&value=cpu")
    assert (time["total"], time["unit"]) == (30_000_000, "nanoseconds")
    assert "cpu" in ask(f"/profiles/flamegraph?upload={brought['id']}&value=wall", status=422)["detail"]


def test_two_files_are_a_difference(ask, bring) -> None:
    here, base = bring(FOLDED), bring(OTHER, "b.folded")
    found = ask(f"/profiles/diff?upload={here['id']}&base.upload={base['id']}&mode=normalised")
    names = [found["strings"][found["frames"]["name"][frame]] for frame in found["nodes"]["frame"]]
    changes = dict(zip(names, found["nodes"]["change"], strict=True))
    assert (changes["render"], changes["parse"], changes["idle"]) == (0.4, -0.5, 0.1)


def test_a_file_is_held_against_what_is_stored(ask, bring, host: Host, valkey) -> None:
    stacks = recorded.shop_stacks("cpu")
    recorded.send(host, stacks)
    found = ask(f"/profiles/diff?service=shop.py&base.upload={bring(FOLDED)['id']}")
    assert (found["total"], found["base"]["total"]) == (stacks.columns.total, 100)


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (b"", "empty"),
        (b"\x1f\x8b\x08 but then something else", "damaged"),
        (gzip.compress(FOLDED * 1000, mtime=0)[:50], "end in the middle"),
        (b'{"nodes": [1, 2, 3]}', "taken for speedscope"),
        (b"\x89PNG\r\n\x1a\n" + bytes(200), "taken for pprof"),
        (b"just some text\nof somebody\n", "taken for folded"),
        (gzip.compress(b"a 1\n" * (10 << 20), mtime=0), "more than"),
    ],
)  # fmt: skip
def test_what_is_no_profile_is_answered_with_what_would_be_one(bring, data: bytes, words: str) -> None:
    problem = bring(data, "x", status=422)
    assert words in problem["detail"]


def test_a_viewer_looks_but_does_not_bring(ask, bring, viewer: User, operator: User) -> None:
    assert ask("/profiles/uploads", body={"a": 1}, status=403)
    brought = bring(FOLDED)
    assert [each["id"] for each in ask("/profiles/uploads")["results"]] == [brought["id"]]
    assert AuditEntry.objects.filter(action="upload profile", actor="oskar").count() == 1


def test_a_deleted_file_is_gone_and_an_unknown_one_never_was(ask, bring, operator: User) -> None:
    client = Client()
    client.force_login(operator)
    brought = bring(FOLDED)
    assert client.delete(f"/api/v1/profiles/uploads/{brought['id']}").status_code == 204
    assert (
        "GET /api/v1/profiles/uploads"
        in ask(f"/profiles/flamegraph?upload={brought['id']}", status=404)["detail"]
    )


def test_only_so_many_are_kept_the_newest(bring, data_dir, monkeypatch) -> None:
    monkeypatch.setattr(kept, "MOST_UPLOADS", 2)
    ids = [bring(FOLDED, str(number))["id"] for number in range(3)]
    assert {path.name for path in (data_dir / "uploads").iterdir()} == set(ids[1:])
