"""What the live tests of eBPF probes share: one pass of a probe over this kernel, and what it told by labels."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from typing import Any

from collectors.probe import Probe
from collectors.probes.ebpf import tally
from collectors.wire import Histogram, Points, Sample
from tests.collectors.probes.recorded import LIVE, host


@contextmanager
def counting(probe: Probe, most_lost: int = 0) -> Iterator[Callable[[], list[Sample]]]:
    """The probe at work; the callable ends an interval. All is detached at the end."""

    def read() -> list[Sample]:
        samples = list(probe.collect(host(LIVE)))
        assert total(samples, tally.LOST.name, probe=probe.NAME) <= most_lost
        return samples

    try:
        read()
        yield read
    finally:
        probe._source.close()


def histograms(samples: Iterable[Sample], metric: str, **labels: str) -> list[Histogram]:
    return [
        sample
        for sample in samples
        if isinstance(sample, Histogram)
        and sample.metric == metric
        and labels.items() <= sample.labels.items()
    ]


def total(samples: Iterable[Sample], metric: str, **labels: str) -> float:
    """Of a counter, over all series that have these labels."""
    return sum(
        sum(sample.values)
        for sample in samples
        if isinstance(sample, Points) and sample.metric == metric and labels.items() <= sample.labels.items()
    )


@contextmanager
def own_service(name: str, code: str, *arguments: str) -> Iterator[subprocess.Popen[str]]:
    """A Python process that goes by this service's name."""
    process = subprocess.Popen(
        [sys.executable, "-c", code, *arguments],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        env={**os.environ, "DIAGNOSE_SERVICE": name},
    )
    try:
        yield process
    finally:
        process.kill()
        process.communicate()


@contextmanager
def delayed_path(*options: str) -> Iterator[tuple[int, Callable[[], dict[str, Any]]]]:
    """The pid of a process in a namespace with such a path; the callable lets it talk and gives its truth."""
    command = [sys.executable, "-m", "tests.collectors.probes.ebpf.delayed_path", *options]
    process = subprocess.Popen(
        ["unshare", "--net", *command], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )

    def talk() -> dict[str, Any]:
        process.stdin.write("go\n")
        process.stdin.flush()
        return json.loads(process.stdout.readline())

    try:
        yield process.pid, talk
    finally:
        process.kill()
        process.communicate()
