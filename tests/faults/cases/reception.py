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


def strange_protocols(stage: Stage, _: Knobs) -> None:
    """Two hundred frames a second that the kernel drops as nobody's, counted by the device."""
    there = stage.veth()
    stage.begin()
    stage.program("strange.py", "veth0", where=there)


CASES = [
    Case(
        name="strange-protocols",
        family="reception",
        story="The device counts drops: frames of a protocol that nobody wants.",
        fix="",
        truth=(),
        play=strange_protocols,
        lookalike_of="one-cpu-receives",
    ),
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
