"""`/profiles/heatmap`: when samples were taken, or that nobody knows."""

from __future__ import annotations

import time

import numpy as np
import pytest

from diagnose.models import Capture, Host
from diagnose.store import backend, dictionary
from diagnose.store.names import FrameInfo
from diagnose.store.rows import BatchKey, Offsets, ProfileBatch, ProfileGroup, ProfileRow
from tests.diagnose.web import recorded

pytestmark = pytest.mark.django_db
START = int(time.time()) - 60
RANGE = f"service=shop.py&from={START}&to={START + 3}"


@pytest.fixture
def bursts(host: Host, data_dir) -> None:
    """`quick` runs at the begin of each of three seconds, `slow` at the end of the second one."""
    put_bursts(host, None)


def put_bursts(host: Host, capture_id: str | None) -> None:
    (service,) = dictionary.services_of(["shop.py"]).values()
    frames = [FrameInfo("quick", "shop.py", 1, ""), FrameInfo("slow", "shop.py", 2, "")]
    ids = dictionary.stack_numbers(service, frames, [[0], [1]], ["MainThread"] * 2)
    row = ProfileRow(
        group=ProfileGroup(service.pk, "cpu", "samples"),
        period_ns=10_000_000,
        start_ns=START * 10**9,
        end_ns=(START + 3) * 10**9,
        stack_ids=ids,
        counts=np.array([6, 4], np.int64),
        capture_id=capture_id,
        offsets=Offsets(
            ids[[0, 0, 0, 1]], np.array([10, 1010, 2010, 1990], np.uint32), np.array([2, 2, 2, 4], np.int64)
        ),
    )
    backend.profile_store().append([ProfileBatch(BatchKey(host.pk, "e", 1), [row])])


def test_columns_are_seconds_and_rows_parts_of_them(ask, bursts) -> None:
    found = ask(f"/profiles/heatmap?{RANGE}&rows=4")
    assert found["counts"] == [[2, 0, 0, 0], [2, 0, 0, 4], [2, 0, 0, 0]]
    assert (found["start"], found["total"], found["most"], found["untimed"]) == (START, 10, 4, 0)


def test_cells_become_a_flame_graph(ask, bursts) -> None:
    assert ask(f"/profiles/heatmap/flamegraph?{RANGE}")["total"] == 10
    graph = ask(f"/profiles/heatmap/flamegraph?{RANGE}&cells={START + 1}:900-1000")
    assert (graph["total"], graph["strings"][graph["frames"]["name"][1]]) == (4, "slow")
    assert ask(f"/profiles/heatmap/flamegraph?{RANGE}&cells={START}-{START + 2}:0-100")["total"] == 6
    two = f"cells={START}:0-100&cells={START + 1}:500-1000"
    assert ask(f"/profiles/heatmap/flamegraph?{RANGE}&{two}")["total"] == 6


def test_a_range_may_begin_and_end_within_seconds(ask, bursts) -> None:
    part = f"service=shop.py&from={START + 1}.005&to={START + 1}.5"
    assert ask(f"/profiles/heatmap/flamegraph?{part}")["total"] == 2


def test_profiles_without_sample_times_say_so_plainly(ask, host: Host, valkey, data_dir) -> None:
    recorded.send(host, recorded.shop_stacks("cpu"))
    for address in ("/profiles/heatmap", "/profiles/heatmap/flamegraph"):
        problem = ask(f"{address}?service=shop.py&from=-1m", status=409)
        assert problem["title"] == "No sample times"
        assert "GET /api/v1/profiles/flamegraph" in problem["detail"]


def test_what_cannot_be_drawn_is_refused(ask, host: Host) -> None:
    assert "from" in ask("/profiles/heatmap?service=x&from=-6h", status=422)["errors"]
    for cells in ("1", "1:2", "5:200-100", "1:0-1001", "1-99999:0-10"):
        problem = ask(f"/profiles/heatmap/flamegraph?service=x&cells={cells}", status=422)
        assert "cells" in problem["errors"]


def test_a_region_is_a_flame_graph_a_table_and_a_sandwich_like_any_other(ask, bursts) -> None:
    region = f"{RANGE}&cells={START + 1}:900-1000"
    assert ask(f"/profiles/flamegraph?{region}")["total"] == 4
    assert [row["name"] for row in ask(f"/profiles/top?{region}")["results"]] == ["slow"]
    assert ask(f"/profiles/sandwich?{region}&function=slow")["total"] == 4
    assert ask(f"/profiles/sandwich?{region}&function=quick")["total"] == 0


def test_two_regions_are_a_difference(ask, bursts) -> None:
    regions = f"cells={START + 1}:900-1000&base.cells={START}-{START + 2}:0-100"
    found = ask(f"/profiles/diff?{RANGE}&{regions}&mode=normalised")
    assert (found["total"], found["base"]["total"]) == (4, 6)
    names = [found["strings"][found["frames"]["name"][frame]] for frame in found["nodes"]["frame"]]
    assert dict(zip(names[1:], found["nodes"]["change"][1:], strict=True)) == {"quick": -1, "slow": 1}


def test_regions_of_a_capture_are_told_apart_too(ask, host: Host, data_dir) -> None:
    capture = Capture.objects.create(
        host=host, kind="native_cpu", seconds=3, hz=99, requested_by="oskar", state="done", service="shop.py",
        result_service="shop.py", result_types=["cpu"], result_from_ns=START * 10**9,
        result_to_ns=(START + 3) * 10**9,
    )  # fmt: skip
    put_bursts(host, capture.id)
    assert ask(f"/profiles/heatmap?capture={capture.id}&rows=4")["total"] == 10
    regions = f"cells={START + 1}:900-1000&base.cells={START}-{START + 2}:0-100"
    found = ask(f"/profiles/diff?capture={capture.id}&{regions}")
    assert (found["total"], found["base"]["total"]) == (4, 6)
