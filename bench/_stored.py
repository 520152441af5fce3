"""Hosts, services and batches in a throw-away store: what every measurement of the store begins with."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING

import numpy as np

from bench import _workload

if TYPE_CHECKING:
    from diagnose.models import Host, Service
    from diagnose.store.schema import Kind

SECOND = 10**9
MINUTE = 60 * SECOND
HOUR = 60 * MINUTE
DAY = 24 * HOUR
HOSTS, SERVICES, SERIES = 50, 4, 400
# All data lies in whole days of the past, so that rollups and sealing find every hour finished.
TODAY = time.time_ns() // DAY * DAY


@dataclass(frozen=True, slots=True)
class Fleet:
    """`services` have all their stacks interned."""

    hosts: list[Host]
    services: list[Service]


def fleet() -> Fleet:
    from diagnose.models import Host
    from diagnose.store.dictionary import services_of, stack_numbers
    from diagnose.store.names import FrameInfo

    hosts = [Host.objects.create(identity=f"{n:032x}", name=f"web-{n}") for n in range(HOSTS)]
    services = list(services_of(f"shop-{n}" for n in range(SERVICES)).values())
    frames = [FrameInfo(*one, "") for one in _workload.functions()]
    for seed, service in enumerate(services):
        stacks = _workload.stacks(seed)
        stack_numbers(service, frames, stacks, ["MainThread"] * len(stacks))
    return Fleet(hosts, services)


@dataclass(frozen=True, slots=True)
class Push:
    """What one collector sends at once: a profile of each service."""

    host_id: int
    seq: int
    start_ns: int
    profiles: Sequence[_workload.Profile]
    labels: Mapping[str, str]


def put(epoch: str, services: Sequence[Service], pushes: Iterable[Push]) -> int:
    """One transaction for all of the pushes, as a worker does with what waits; how many profiles they were."""
    from diagnose.store import backend
    from diagnose.store.rows import BatchKey, ProfileBatch, ProfileGroup, ProfileRow

    batches = [
        ProfileBatch(
            BatchKey(push.host_id, epoch, push.seq),
            [
                ProfileRow(
                    group=ProfileGroup(service.pk, "cpu", "samples"),
                    period_ns=10_000_000,
                    start_ns=push.start_ns,
                    end_ns=push.start_ns + 10 * SECOND,
                    stack_ids=profile.numbers,
                    counts=profile.counts,
                    labels=push.labels,
                )
                for service, profile in zip(services, push.profiles, strict=False)
            ],
        )
        for push in pushes
    ]
    backend.profile_store().append(batches)
    return sum(len(batch.rows) for batch in batches)


def put_points(
    host_id: int, seq: int, series: Sequence[int], times_ns: Sequence[int], values: object
) -> None:
    """Points of many series at the same times, `values` by series and then time."""
    from diagnose.store import backend
    from diagnose.store.rows import BatchKey, MetricBatch, PointColumns

    columns = PointColumns(
        np.repeat(np.asarray(series, np.uint32), len(times_ns)),
        np.tile(np.asarray(times_ns, np.int64), len(series)),
        np.asarray(values, np.float64).reshape(-1),
    )
    backend.metric_store().append([MetricBatch(BatchKey(host_id, "points", seq), columns, [])])


@cache
def pool(seed: int) -> list[_workload.Profile]:
    """Profiles to draw from, made once."""
    return _workload.profiles(seed, 2_000)


def rate(run: Callable[..., int], *given: object) -> float:
    """What `run` says it did, each second."""
    began = time.perf_counter()
    done = run(*given)
    return done / (time.perf_counter() - began)


def telemetry_bytes(*kinds: Kind) -> int:
    """All days of these kinds, or of all, as the engine tells it."""
    from diagnose.store import days
    from diagnose.store.schema import TABLES

    return sum(sum(days.sizes_bytes(kind).values()) for kind in kinds or TABLES)
