"""py-spy's raw output, as recorded, and with what could stand in it."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from collectors.capture.folded import Frame, Line, parse, thread_name

RECORDED = """\
thread (9896): worker-0;Thread._bootstrap (/usr/lib/python3.11/threading.py:1002);Thread._bootstrap_inner \
(/usr/lib/python3.11/threading.py:1045);Thread.run (/usr/lib/python3.11/threading.py:982);work (/srv/shop.py:8);\
hot (/srv/shop.py:4) 11
thread (9894): MainThread;<module> (/srv/shop.py:15) 159
"""


def test_threads_functions_files_lines_and_counts_are_read():
    worker, main = parse(RECORDED)
    assert (worker.thread, worker.count) == ("worker-0", 11)
    assert worker.frames[0] == Frame("Thread._bootstrap", "/usr/lib/python3.11/threading.py", 1002)
    assert worker.frames[-1] == Frame("hot", "/srv/shop.py", 4)
    assert main == Line("MainThread", (Frame("<module>", "/srv/shop.py", 15),), 159)


def test_names_with_blanks_parentheses_and_semicolons_are_kept():
    (line,) = parse("thread (1): Thread-1 (work);f (/srv/my app (old)/a;b.py:3);<lambda> (/srv/x.py:7) 2")
    assert line.thread == "Thread-1 (work)"
    assert line.frames == (Frame("f", "/srv/my app (old)/a;b.py", 3), Frame("<lambda>", "/srv/x.py", 7))


def test_a_frame_without_line_or_file_is_kept():
    (line,) = parse("thread (1);f (<string>);native 1")
    assert line == Line("unnamed", (Frame("f", "<string>", 0), Frame("native", "", 0)), 1)


def test_a_line_that_is_no_stack_is_left_out():
    assert list(parse("broken by a\nline break (x.py:1) 3\n\nthread (1): a;f (x.py:1) many")) == []


def test_threads_of_a_server_that_starts_one_per_request_share_a_name():
    assert thread_name("Thread-4711 (process_request_thread)") == "Thread-N (process_request_thread)"
    assert thread_name("ThreadPoolExecutor-128_3") == "ThreadPoolExecutor-N_3"
    assert thread_name("Thread-12 (work)") == "Thread-12 (work)"
    assert thread_name("worker-3") == "worker-3"
    assert thread_name(None) == "unnamed"


@given(st.text())
def test_no_text_breaks_the_parser(text: str):
    for line in parse(text):
        assert line.count >= 0
