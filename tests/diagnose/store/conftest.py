"""Profiles and points put straight into the store."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from itertools import count
from typing import Any

import numpy as np
import pytest

from diagnose.models import Host, Service
from diagnose.store import backend, dictionary, serieskeys
from diagnose.store.blob import summed
from diagnose.store.names import FrameInfo
from diagnose.store.rows import BatchKey, MetricBatch, PointColumns, ProfileBatch, ProfileGroup, ProfileRow

Stack = tuple[str, ...]


@pytest.fixture
def put_profile(host: Host, data_dir) -> Callable[..., None]:
    """Appends one profile in a batch of its own; stacks by function names, root first."""
    batches = count(1)

    def put(start_ns: int, counts: Mapping[Stack, int], **fields: Any) -> None:
        chosen = {"seconds": 10, "period_ns": 10_000_000, "thread": "MainThread", "host_id": host.pk} | fields
        service = Service.objects.get_or_create(name=chosen.pop("service", "shop"))[0]
        names = sorted({name for stack in counts for name in stack})
        frames = [FrameInfo(name, "shop.py", 10 + index, "") for index, name in enumerate(names)]
        stacks = [[names.index(name) for name in stack] for stack in counts]
        thread, host_id = chosen.pop("thread"), chosen.pop("host_id")
        numbers = dictionary.stack_numbers(service, frames, stacks, [thread] * len(stacks))
        ids, values = summed(numbers, np.array(list(counts.values()), np.int64))
        row = ProfileRow(
            group=ProfileGroup(service.pk, chosen.pop("type", "cpu"), chosen.pop("unit", "samples")),
            start_ns=start_ns,
            end_ns=start_ns + chosen.pop("seconds") * 10**9,
            stack_ids=ids,
            counts=values,
            **chosen,
        )
        backend.profile_store().append([ProfileBatch(BatchKey(host_id, "e", next(batches)), [row])])

    return put


@pytest.fixture
def put_points(host: Host, data_dir) -> Callable[..., None]:
    """Appends points of one series in a batch of their own."""
    sequence = iter(range(1, 1_000))

    def put(
        metric: str, times_ns: list[int], values: list[float], counter: bool = False, **labels: str
    ) -> None:
        number = serieskeys.series_numbers(host, [serieskeys.key_of(metric, labels)], [counter])[0]
        columns = PointColumns(
            np.full(len(times_ns), number, np.uint32),
            np.array(times_ns, np.int64),
            np.array(values, np.float64),
        )
        backend.metric_store().append([MetricBatch(BatchKey(host.pk, "e", next(sequence)), columns)])

    return put
