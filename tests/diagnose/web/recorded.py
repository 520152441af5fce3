"""The sample shop as py-spy saw it under load, put into the store as its collector would send it."""

from __future__ import annotations

import time
from itertools import count
from pathlib import Path
from typing import Any
from unittest.mock import patch

from collectors import wire
from collectors.capture.pyspy import Order, Recording
from collectors.capture.stacks import to_wire
from collectors.processes.identity import Process
from diagnose.ingest import pending, write
from diagnose.models import Host
from tests.batches import body_of

FOLDER = Path(__file__).resolve().parents[2] / "fixtures" / "profiles"
SERVICE = "shop.py"
PID = 812
_sequence = count(1)


def shop_stacks(kind: str = "cpu", **fields: Any) -> wire.Stacks:
    """Five seconds that ended now, at 100 samples a second; `kind` is cpu, gil or wall."""
    chosen = {"service": SERVICE, "capture_id": None, "end_ns": time.time_ns()} | fields
    end_ns = chosen["end_ns"]
    recording = Recording(
        order=Order(PID, kind, 5, 100),  # type: ignore[arg-type]
        text=(FOLDER / f"shop-{kind}.folded").read_text(),
        start_ns=end_ns - 5 * 10**9,
        end_ns=end_ns,
        ticks=500,
        cpu_seconds=0.1,
    )
    process = Process(PID, "python3", chosen["service"], "python3.11", 1)
    return to_wire([(process, recording)], capture_id=chosen["capture_id"])


def points(metric: str, values: list[float], labels: dict[str, str], **fields: Any) -> wire.Points:
    """Readings five seconds apart, the last one now."""
    now_ns = time.time_ns()
    times = [now_ns - 5 * 10**9 * (len(values) - 1 - place) for place in range(len(values))]
    return wire.Points(metric, labels, times, values, **fields)


def shop_process(pid: int = PID, name: str = "python3", runtime: str = "python3.11") -> list[wire.Sample]:
    """What the process probe tells of the shop."""
    labels = {"pid": str(pid), "service": SERVICE}
    return [
        points("process_info", [1, 1], {**labels, "name": name, "runtime": runtime}),
        points("process_cpu_seconds_total", [2.1, 2.3, 2.2], labels, counter=True),
        points("process_resident_memory_bytes", [5e7], labels),
    ]


def send(host: Host, *samples: wire.Sample) -> None:
    """One batch, through the queue and the worker's function. Needs the fixtures `valkey` and `data_dir`."""
    epoch = f"{next(_sequence):016x}"
    body = body_of(samples, host=host.identity, epoch=epoch)
    with patch.object(pending.app, "send_task"):  # nobody runs a worker here
        pending.offer(host.pk, epoch, 1, body, time.time_ns())
        write.write_waiting()
