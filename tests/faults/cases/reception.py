"""Packets that one CPU has to receive."""

from __future__ import annotations

from tests.faults.case import Case, Knobs
from tests.faults.stage import Stage

PORT = 7951


def one_cpu(stage: Stage, knobs: Knobs) -> None:
    """Sent by CPU 0 over a veth pair, and steered to the CPUs of the mask."""
    there = stage.veth()
    stage.steer(f"{int(knobs['mask']):x}")
    stage.program("datagrams.py", "receive", PORT, "--host", "10.97.0.1")
    stage.begin()
    stage.program("packets.py", "10.97.0.1", PORT, 0, where=there)


CASES = [
    Case(
        name="one-cpu-receives",
        family="reception",
        story="All packets of a flood are steered to one CPU, which has no time left.",
        fix="RPS over all CPUs, or more receive queues.",
        truth=("network.softirq_imbalance",),
        play=one_cpu,
        intensities={"all": {"mask": 2}},
        alone=True,
    ),
]
