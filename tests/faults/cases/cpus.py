"""CPUs: used up, or put to good use."""

from __future__ import annotations

import os

from tests.faults.case import Case, Knobs
from tests.faults.stage import Stage

PORT = 7851


def own_load(stage: Stage, knobs: Knobs) -> None:
    """A service with more processes that compute than there are CPUs, and customers for each."""
    processes = int(knobs["each"] * (os.cpu_count() or 1))
    stage.program("web.py", "serve", PORT, "--work", knobs["work"], "--processes", processes)
    stage.wait_for_listener(PORT)
    stage.begin()
    stage.program("web.py", "ask", PORT, "--customers", 3 * processes, "--pause", 0.0, service="customers")


def batch_work(stage: Stage, _: Knobs) -> None:
    """What has no hurry takes all that is left over, at the lowest priority."""
    stage.program("web.py", "serve", PORT, "--work", 0.002)
    stage.wait_for_listener(PORT)
    stage.begin()
    stage.program("web.py", "ask", PORT, "--customers", 4, "--pause", 0.05, service="customers")
    spin = str(stage.program_path("spin.py"))
    workers = str(os.cpu_count() or 1)
    stage.start("nice", "-n", "19", stage.python, spin, "--workers", workers, "--busy", "1.0")


CASES = [
    Case(
        name="cpus-used-up",
        family="cpus",
        story="A service is asked for more computing than the host has CPUs for.",
        fix="More CPUs, less work for each request.",
        truth=("cpu.saturation",),
        play=own_load,
        intensities={"three-each": {"each": 3, "work": 0.02}, "six-each": {"each": 6, "work": 0.05}},
        alone=True,
    ),
    Case(
        name="batch-work-of-low-priority",
        family="cpus",
        story="No CPU is ever idle, and the service next to the batch work does not feel it.",
        fix="",
        truth=(),
        play=batch_work,
        lookalike_of="cpus-used-up",
        alone=True,
    ),
]
