"""`/profiles`: what was recorded comes back as a flame graph, as functions, and in other programs' formats."""

from __future__ import annotations

import os
import subprocess
import time

import pytest
from django.test import Client

from collectors.formats import pprof
from collectors.formats.stacks import Meaning, Span, to_wire, values_of
from diagnose.models import Capture, Host
from diagnose.store import days
from tests.collectors.formats import messages
from tests.diagnose.web import recorded

pytestmark = pytest.mark.django_db


@pytest.fixture
def shop(host: Host, valkey, data_dir) -> int:
    """How many CPU samples of the shop are in the store."""
    stacks = recorded.shop_stacks("cpu")
    recorded.send(host, stacks, recorded.shop_stacks("wall"))
    return stacks.columns.total


def names(graph) -> list[str]:
    return [graph["strings"][graph["frames"]["name"][frame]] for frame in graph["nodes"]["frame"]]


def test_what_is_stored_is_listed(ask, shop: int) -> None:
    rows = ask("/profiles")["results"]
    assert [(row["service"], row["type"]) for row in rows] == [("shop.py", "cpu"), ("shop.py", "wall")]
    assert rows[0]["host"]["name"] == "web-1"


def test_the_flame_graph_has_every_sample_once(ask, shop: int) -> None:
    graph = ask("/profiles/flamegraph?service=shop.py&type=cpu&cut=0")
    assert graph["total"] == shop == sum(graph["nodes"]["self"])
    assert "try_every_combination" in names(graph)
    assert graph["strings"][graph["frames"]["name"][0]] == "all"
    assert graph["seconds"] == pytest.approx(5)


def test_damaged_profiles_are_left_out_and_their_number_is_told(ask, shop: int, host: Host) -> None:
    recorded.send(host, recorded.shop_stacks("cpu"))
    assert ask("/profiles/flamegraph?service=shop.py&type=cpu&cut=0")["total"] == 2 * shop
    for day in days.stored_days("profiles"):
        with days.writing(day, "profiles") as writing:
            number, blob = writing.sql.execute("SELECT id, counts FROM profile ORDER BY id DESC").fetchall()[
                0
            ]
            flipped = bytes(blob[:-9]) + bytes([blob[-9] ^ 4]) + bytes(blob[-8:])
            writing.sql.execute("UPDATE profile SET counts = ? WHERE id = ?", (flipped, number))
    graph = ask("/profiles/flamegraph?service=shop.py&type=cpu&cut=0")
    functions = ask("/profiles/top?service=shop.py&type=cpu")
    assert (graph["total"], graph["unreadable"]) == (shop, 1)
    assert (functions["total"], functions["profiles"], functions["unreadable"]) == (shop, 1, 1)


def test_children_never_outweigh_their_parent(ask, shop: int) -> None:
    nodes = ask("/profiles/flamegraph?service=shop.py&cut=0")["nodes"]
    open_ = []
    for depth, total in zip(nodes["depth"], nodes["total"], strict=True):
        del open_[depth:]
        if open_:
            open_[-1] -= total
            assert open_[-1] >= 0
        open_.append(total)


def test_threads_stand_below_the_root_when_asked_for(ask, shop: int) -> None:
    graph = ask("/profiles/flamegraph?service=shop.py&threads=1")
    below = [name for name, depth in zip(names(graph), graph["nodes"]["depth"], strict=True) if depth == 1]
    assert below
    assert all(name.startswith("Thread-") or name == "MainThread" for name in below)


def test_labels_and_hosts_select(ask, shop: int, host: Host) -> None:
    base = "/profiles/flamegraph?service=shop.py"
    assert ask(f"{base}&label.pid={recorded.PID}")["total"] == shop
    assert ask(f"{base}&label.pid=1")["total"] == 0
    assert ask(f"{base}&host={host.pk}")["total"] == shop
    other = Host.objects.create(identity="c" * 32, name="web-2")
    assert ask(f"{base}&host={other.name}")["total"] == 0


def test_an_unknown_service_is_an_empty_graph(ask, shop: int) -> None:
    graph = ask("/profiles/flamegraph?service=nobody")
    assert (graph["total"], graph["nodes"]["depth"]) == (0, [0])


def test_the_functions_agree_with_the_graph(ask, shop: int) -> None:
    top = ask("/profiles/top?service=shop.py&limit=1000")
    assert top["total"] == shop == sum(row["self"] for row in top["results"])
    assert top["results"][0]["self"] == max(row["self"] for row in top["results"])
    assert len(ask("/profiles/top?service=shop.py&limit=3")["results"]) == 3


def test_folded_stacks_add_up(ask, shop: int) -> None:
    lines = ask("/profiles/flamegraph?service=shop.py&format=folded").splitlines()
    assert sum(int(line.rpartition(" ")[2]) for line in lines) == shop
    assert all(line.startswith("Thread._bootstrap;") for line in lines if "price" in line)
    threads = ask("/profiles/flamegraph?service=shop.py&format=folded&threads=1").splitlines()
    assert len(threads) > len(lines)


def test_speedscope_gets_nanoseconds_and_frames(user_client: Client, shop: int) -> None:
    file = user_client.get("/api/v1/profiles/flamegraph?service=shop.py&format=speedscope").json()
    (profile,) = file["profiles"]
    assert profile["unit"] == "nanoseconds"
    assert profile["endValue"] == sum(profile["weights"]) == shop * 10_000_000
    assert {"name": "try_every_combination", "file": "/srv/shop/shop.py"}.items() <= next(
        frame for frame in file["shared"]["frames"] if frame["name"] == "try_every_combination"
    ).items()


def test_pprof_has_every_sample_and_its_time(user_client: Client, shop: int) -> None:
    answer = user_client.get("/api/v1/profiles/flamegraph?service=shop.py&format=pprof&threads=1")
    profile = pprof.read(answer.content)
    assert profile.value_types == [("samples", "count"), ("cpu", "nanoseconds")]
    assert (profile.period, profile.period_type) == (10_000_000, ("cpu", "nanoseconds"))
    assert [sum(column) for column in zip(*(sample.values for sample in profile.samples), strict=True)] == [
        shop,
        shop * 10_000_000,
    ]
    assert "MainThread" in {sample.thread for sample in profile.samples}
    assert "try_every_combination" in {frame.name for frame in profile.frames}


def test_memory_that_a_go_program_holds_comes_back_in_bytes(
    ask, user_client: Client, host: Host, valkey, data_dir
) -> None:
    types = (("inuse_objects", "count"), ("inuse_space", "bytes"))
    profile = pprof.read(
        messages.pprof({"main.main;net/http.Serve": (2, 3_000), "main.main": (1, 500)}, types)
    )
    held = Meaning("inuse_space", "inuse_space", "bytes")
    now_ns = time.time_ns()
    for begin_ns in (now_ns - 10**10, now_ns - 10**9):
        span = Span("front", {"pid": "7"}, begin_ns, begin_ns + 10**9)
        recorded.send(host, to_wire(profile, values_of(profile, held), held, span))
    graph = ask("/profiles/flamegraph?service=front&type=inuse_space")
    assert (graph["unit"], graph["total"], graph["period_ns"]) == ("bytes", 3_500, 1)
    assert names(graph) == ["all", "main.main", "net/http.Serve"]
    assert "net/http" in graph["strings"]
    answer = user_client.get("/api/v1/profiles/flamegraph?service=front&type=inuse_space&format=pprof")
    again = pprof.read(answer.content)
    assert again.value_types == [("inuse_space", "bytes")]
    assert sorted(sample.values for sample in again.samples) == [(500,), (3_000,)]


@pytest.mark.program("go")
def test_go_reads_the_pprof_file(user_client: Client, shop: int, tmp_path) -> None:
    answer = user_client.get("/api/v1/profiles/flamegraph?service=shop.py&format=pprof")
    (tmp_path / "profile.pb.gz").write_bytes(answer.content)
    command = ["go", "tool", "pprof", "-top", "-unit=ms", str(tmp_path / "profile.pb.gz")]
    environment = {**os.environ, "PPROF_TMPDIR": str(tmp_path), "HOME": str(tmp_path)}
    top = subprocess.run(command, env=environment, capture_output=True, text=True, check=True).stdout
    assert "Type: cpu" in top
    assert f"{shop * 10}ms total" in top
    assert "try_every_combination" in top


@pytest.fixture
def user_client(viewer) -> Client:
    client = Client()
    client.force_login(viewer)
    return client


def test_the_picture_has_the_frames_names(user_client: Client, shop: int) -> None:
    answer = user_client.get("/api/v1/profiles/flamegraph?service=shop.py&format=svg")
    assert answer.headers["Content-Type"] == "image/svg+xml"
    assert "try_every_combination" in answer.content.decode()


def test_each_frame_tells_its_layer(ask, shop: int) -> None:
    graph = ask("/profiles/flamegraph?service=shop.py")
    names = [graph["strings"][name] for name in graph["frames"]["name"]]
    layer_of = dict(zip(names, graph["frames"]["layer"], strict=True))
    titles = [layer["id"] for layer in graph["layers"]]
    assert titles[layer_of["try_every_combination"]] == "own"
    assert layer_of["all"] == -1


def test_a_format_that_is_not_known_names_those_that_are(ask, shop: int) -> None:
    problem = ask("/profiles/flamegraph?service=shop.py&format=png", status=422)
    assert "json, pprof, folded, speedscope, svg" in problem["errors"]["format"]


def test_large_answers_are_compressed_for_who_can_read_that(user_client: Client, shop: int) -> None:
    address = "/api/v1/profiles/flamegraph?service=shop.py"
    plain = user_client.get(address)
    small = user_client.get(address, headers={"Accept-Encoding": "gzip"})
    assert small.headers["Content-Encoding"] == "gzip"
    assert len(small.content) < len(plain.content) / 2


def test_a_capture_selects_its_own_profile_only(ask, shop: int, host: Host) -> None:
    end_ns = time.time_ns()
    capture = Capture.objects.create(
        host=host, kind="python_gil", seconds=5, hz=100, requested_by="oskar", state="done", service="shop.py",
        result_service="shop.py", result_types=["gil"], result_from_ns=end_ns - 5 * 10**9, result_to_ns=end_ns,
    )  # fmt: skip
    stacks = recorded.shop_stacks("gil", capture_id=capture.id, end_ns=end_ns)
    recorded.send(host, stacks)
    graph = ask(f"/profiles/flamegraph?capture={capture.id}")
    assert (graph["type"], graph["total"]) == ("gil", stacks.columns.total)
    assert ask("/profiles/flamegraph?service=shop.py&type=gil")["total"] == 0


def test_a_capture_without_result_says_so(ask, host: Host) -> None:
    capture = Capture.objects.create(host=host, seconds=5, hz=100, requested_by="oskar", state="failed")
    problem = ask(f"/profiles/flamegraph?capture={capture.id}", status=409)
    assert "failed" in problem["detail"]
    assert ask("/profiles/top?capture=none", status=404)["status"] == 404


def test_without_service_or_capture_nothing_is_selected(ask, host: Host) -> None:
    assert "service" in ask("/profiles/flamegraph", status=422)["errors"]
    assert "type" in ask("/profiles/flamegraph?service=x&type=cpus", status=422)["errors"]
    assert "cut" in ask("/profiles/flamegraph?service=x&cut=2", status=422)["errors"]
    assert "cut" in ask("/profiles/flamegraph?service=x&cut=nan", status=422)["errors"]
