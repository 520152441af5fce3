"""Writes that reach a device, against the device's own counters."""

from __future__ import annotations

import os
import time
from pathlib import Path

import pytest

from collectors.probes.ebpf import block_io
from collectors.probes.ebpf.block_io import LATENCY, BlockIo
from tests.collectors.probes.ebpf.live import counting, histograms

pytestmark = pytest.mark.root(to="load eBPF programs")

WRITES = 20


def device_of(path: Path) -> str:
    """The disk under a path; none under tmpfs and the like."""
    number = path.stat().st_dev
    link = Path(f"/sys/dev/block/{os.major(number)}:{os.minor(number)}")
    if not link.exists():
        pytest.skip(f"{path} is on no block device")
    partition = link.resolve()
    return partition.parent.name if (partition / "partition").exists() else partition.name


def writes_done(device: str) -> int:
    return int(Path(f"/sys/block/{device}/stat").read_text().split()[4])


def test_writes_are_told_by_device_with_the_time_they_took(tmp_path):
    device = device_of(tmp_path)
    descriptor = os.open(tmp_path / "written", os.O_WRONLY | os.O_CREAT)
    try:
        with counting(BlockIo()) as read:
            before = writes_done(device)
            read()
            began = time.monotonic()
            for at in range(WRITES):
                os.pwrite(descriptor, os.urandom(4096), at * 4096)
                os.fdatasync(descriptor)
            took = time.monotonic() - began
            samples = read()
            done = writes_done(device) - before
    finally:
        os.close(descriptor)
    (found,) = histograms(samples, LATENCY, device=device, operation="write")
    assert WRITES <= found.count <= done
    assert 0 < found.sum / found.count < took


def test_a_device_that_was_taken_away_goes_by_its_number(tmp_path):
    (tmp_path / "dev/block").mkdir(parents=True)
    (tmp_path / "dev/block/8:0").symlink_to("../../block/sda")
    assert block_io._name(tmp_path, 8, 0) == "sda"
    assert block_io._name(tmp_path, 8, 16) == "8:16"
