"""Folded stacks are read by other programs, which want a name before each number."""

from __future__ import annotations

from diagnose.reports.export import folded
from diagnose.store.flamegraph import StackRow
from diagnose.store.names import FrameInfo


def test_a_thread_seen_without_frames_has_a_name_all_the_same():
    rows = [StackRow("worker", (), 33), StackRow("worker", (FrameInfo("run", "a.py", 1, "a"),), 2)]
    assert folded.export(rows) == "[no frames] 33\nrun 2\n"
    assert folded.export(rows, threads=True) == "worker 33\nworker;run 2\n"
