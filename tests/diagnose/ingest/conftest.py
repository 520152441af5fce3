"""Batches as a collector sends them, and a worker that runs inside the test."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

import pytest

from collectors import wire
from collectors.columns import Frame, StackColumns, StackSample
from diagnose import queue
from diagnose.ingest import pending
from diagnose.models import Host
from tests.batches import EPOCH


def points(metric: str, values: list[float], end_ns: int | None = None, **labels: str) -> wire.Points:
    """Values ten seconds apart, the last at `end_ns`."""
    end = time.time_ns() if end_ns is None else end_ns
    times = [end - 10_000_000_000 * (len(values) - 1 - index) for index in range(len(values))]
    return wire.Points(metric, labels, times, values)


def stacks(counts: dict[tuple[str, ...], int], **fields: Any) -> wire.Stacks:
    """A profile of ten seconds; stacks by names, root first; the service is "shop" unless said."""
    names = sorted({name for stack in counts for name in stack})
    strings = ["", "MainThread", "shop.py", *names]
    chosen = {
        "type": "cpu",
        "unit": "samples",
        "service": "shop",
        "labels": {"pid": "812"},
        "end_ns": time.time_ns(),
        "period": 10_000_000,
    } | fields
    chosen.setdefault("start_ns", chosen["end_ns"] - 10_000_000_000)
    return wire.Stacks(
        strings=strings,
        columns=StackColumns.of(
            [Frame(3 + index, 2, 10 + index, 0) for index in range(len(names))],
            [[names.index(name) for name in stack] for stack in counts],
            [StackSample(index, 1, value) for index, value in enumerate(counts.values())],
        ),
        **chosen,
    )


@pytest.fixture
def sent_tasks(monkeypatch: pytest.MonkeyPatch) -> list[tuple[str, list[Any]]]:
    """The tasks that were put on the queue; nobody runs them."""
    sent: list[tuple[str, list[Any]]] = []
    monkeypatch.setattr(pending.app, "send_task", lambda name, args, **_: sent.append((name, args)))
    return sent


@pytest.fixture
def queued(valkey, host: Host, sent_tasks) -> Callable[..., None]:
    """Puts a body where the worker finds it."""

    def put(seq: int, body: bytes, received_ns: int | None = None, epoch: str = EPOCH) -> None:
        valkey.delete(f"{queue.payload_key(host.pk, epoch, seq)}:offered")  # seconds have passed
        pending.offer(host.pk, epoch, seq, body, received_ns or time.time_ns())

    return put
