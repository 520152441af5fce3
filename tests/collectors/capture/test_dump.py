"""One look at real processes."""

from __future__ import annotations

import threading

import pytest

from collectors import wire
from collectors.capture.dump import dump
from collectors.capture.failures import CaptureError
from collectors.capture.kind import Request
from collectors.wire import CaptureTarget
from tests.collectors.capture.conftest import SERVICE, Silent, running


def dumped(**target) -> tuple[wire.Stacks, str]:
    result = dump(Request("C", CaptureTarget(**target), 1, 10), Silent())
    (stacks,) = result.samples
    assert isinstance(stacks, wire.Stacks)
    assert result.count == stacks.columns.total
    return stacks, result.message


def leaves(stacks: wire.Stacks) -> dict[str, tuple[str, str]]:
    """Innermost function and state by thread."""
    frames, rows = stacks.columns.frame_list(), stacks.columns.stack_list()
    return {
        stacks.strings[sample.thread]: (stacks.strings[frames[rows[sample.stack][-1]].name], sample.state)
        for sample in stacks.columns.sample_list()
    }


def test_a_dump_has_every_thread_once_with_its_state(busy):
    stacks, message = dumped(pid=busy.pid)
    found = {name.split(" [")[0]: leaf for name, leaf in leaves(stacks).items()}
    assert set(found) == {"MainThread", "acceptor", "worker-0", "worker-1", "worker-2"}
    assert found["acceptor"] == ("socket.accept", "idle")
    assert found["MainThread"] == ("main", "idle")
    assert message == "The stacks of 5 threads"
    assert (stacks.service, stacks.type, stacks.capture_id) == (SERVICE, "wall", "C")
    assert stacks.labels == {"pid": str(busy.pid)}


def test_a_dump_says_which_thread_holds_the_lock(busy):
    for _ in range(20):
        stacks, _ = dumped(pid=busy.pid)
        holders = [name for name in leaves(stacks) if name.endswith("] holds the GIL")]
        assert len(holders) <= 1
        if holders:
            break
    assert holders[0].startswith("worker-")


def test_a_dump_never_holds_what_variables_hold():
    with running("idle", "secret-argument") as process:
        stacks, _ = dumped(pid=process.pid)
    assert not any("secret-argument" in text for text in stacks.strings)


def test_a_dump_of_a_service_has_all_its_processes():
    with running("idle", service="twins") as one, running("idle", service="twins") as other:
        stacks, _ = dumped(service="twins")
    assert {f"process {one.pid}", f"process {other.pid}"} <= set(stacks.strings)
    assert stacks.columns.total == 4


def test_a_dump_of_what_is_gone_fails_in_plain_words():
    with running("idle") as process:
        pass
    with pytest.raises(CaptureError, match=f"^Process {process.pid} is gone"):
        dumped(pid=process.pid)


def test_a_dump_leaves_no_thread_behind(busy):
    before = threading.active_count()
    dumped(pid=busy.pid)
    assert threading.active_count() == before
