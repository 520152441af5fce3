"""From a recording to the wire."""

from __future__ import annotations

import pytest

from collectors.capture.interned import module_of
from collectors.capture.pyspy import Order, Recording
from collectors.capture.shares import points
from collectors.capture.stacks import to_wire
from collectors.processes.identity import Process
from tests.batches import content_of, samples_in

SECOND = 1_000_000_000
TEXT = """\
thread (1): a;main (/srv/shop.py:9);hot (/srv/shop.py:4) 30
thread (2): b;main (/srv/shop.py:9);hot (/srv/shop.py:4) 50
thread (2): b;main (/srv/shop.py:9) 1
thread (3): Thread-101 (h);main (/srv/shop.py:9) 1
thread (4): Thread-102 (h);main (/srv/shop.py:9) 2
"""
PROCESS = Process(812, "python3", "shop", "python3.11", 1)


def recording(kind, text: str = TEXT, pid: int = 812, start: int = 5) -> Recording:
    return Recording(Order(pid, kind, 10, 10), text, start * SECOND, (start + 10) * SECOND, 100, 0.1)


def profile(kind, text: str = TEXT):
    return to_wire([(PROCESS, recording(kind, text))], capture_id="C")


def test_frames_strings_and_stacks_are_written_once_and_pointed_to():
    stacks = profile("cpu")
    assert len(stacks.strings) == len(set(stacks.strings))
    assert [
        (stacks.strings[f.name], stacks.strings[f.file], f.line) for f in stacks.columns.frame_list()
    ] == [
        ("main", "/srv/shop.py", 9),
        ("hot", "/srv/shop.py", 4),
    ]
    assert stacks.columns.stack_list() == [[0, 1], [0]]
    by_thread = {(stacks.strings[s.thread], s.stack): s.value for s in stacks.columns.sample_list()}
    assert by_thread == {("a", 0): 30, ("b", 0): 50, ("b", 1): 1, ("Thread-N (h)", 1): 3}
    assert (stacks.service, stacks.labels, stacks.capture_id) == ("shop", {"pid": "812"}, "C")


def test_the_period_is_the_measured_time_between_looks():
    stacks = profile("cpu")
    assert stacks.period == SECOND // 10
    assert (stacks.start_ns, stacks.end_ns) == (5 * SECOND, 15 * SECOND)


def test_parts_of_a_capture_become_one_profile():
    parts = [(PROCESS, recording("cpu")), (PROCESS, recording("cpu", start=15))]
    stacks = to_wire(parts)
    assert (stacks.start_ns, stacks.end_ns, stacks.period) == (5 * SECOND, 25 * SECOND, SECOND // 10)
    assert stacks.columns.total == 2 * profile("cpu").columns.total
    assert len(stacks.columns.stack_list()) == 2


def test_each_of_several_processes_has_a_root():
    other = Process(813, "python3", "shop", "python3.11", 1)
    stacks = to_wire([(PROCESS, recording("cpu")), (other, recording("cpu", pid=813))])
    frames = stacks.columns.frame_list()
    roots = {stacks.strings[frames[stack[0]].name] for stack in stacks.columns.stack_list()}
    assert roots == {"process 812", "process 813"}
    assert stacks.labels == {}


def test_a_wall_profile_alone_does_not_know_who_ran():
    assert {s.state for s in profile("cpu").columns.sample_list()} == {"active"}
    assert {s.state for s in profile("gil").columns.sample_list()} == {"active"}
    assert {s.state for s in profile("wall").columns.sample_list()} == {"unknown"}


def test_what_ran_tells_active_from_idle_in_a_wall_profile():
    everywhere = (
        "thread (1): a;main (x.py:1) 100\nthread (2): b;wait (x.py:2) 100\nthread (3): c;both (x.py:3) 100"
    )
    running = "thread (1): a;main (x.py:1) 99\nthread (3): c;both (x.py:3) 25"
    stacks = to_wire([(PROCESS, recording("wall", everywhere)), (PROCESS, recording("cpu", running))])
    found = {(stacks.strings[s.thread], s.state): s.value for s in stacks.columns.sample_list()}
    assert found == {
        ("a", "active"): 99,
        ("a", "idle"): 1,
        ("b", "idle"): 100,
        ("c", "active"): 25,
        ("c", "idle"): 75,
    }
    assert (stacks.type, stacks.columns.total, stacks.period) == ("wall", 300, SECOND // 10)


def test_an_idle_process_gives_an_empty_profile_that_travels():
    stacks = profile("cpu", "")
    assert stacks.columns.sample_list() == []
    assert samples_in(content_of([stacks])) == [stacks]


@pytest.mark.parametrize(
    ("file", "module"),
    [
        ("/usr/lib/python3/dist-packages/flask/app.py", "flask.app"),
        ("/venv/lib/python3.12/site-packages/flask/__init__.py", "flask"),
        ("/usr/lib/python3.11/json/decoder.py", "json.decoder"),
        ("/srv/shop.py", "shop"),
        ("<string>", "<string>"),
        ("", ""),
    ],
)
def test_a_file_has_a_module(file, module):
    assert module_of(file) == module


def test_shares_are_of_looks_not_of_samples():
    found = {(p.metric, p.labels.get("thread")): p.values[0] for p in points(recording("cpu"), PROCESS)}
    assert found == {
        ("python_active_threads", None): 0.84,
        ("python_sampling_hz", None): 10.0,
        ("python_thread_active_ratio", "b"): 0.51,
        ("python_thread_active_ratio", "a"): 0.3,
        ("python_thread_active_ratio", "Thread-N (h)"): 0.03,
    }


def test_the_lock_is_held_at_most_all_the_time():
    (held,) = points(recording("gil", "thread (1): a;f (x.py:1) 103"), PROCESS)
    assert (held.metric, held.values, held.times) == ("python_gil_held_ratio", [1.0], [15 * SECOND])
    assert held.labels == {"pid": "812", "service": "shop"}


def test_a_wall_profile_gives_no_shares():
    assert list(points(recording("wall"), PROCESS)) == []
