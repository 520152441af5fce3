"""Healthy hosts: nothing at all, work that goes well, and what looks alarming but harms nobody."""

from __future__ import annotations

import time

from tests.faults.case import Case, Knobs
from tests.faults.stage import ROOT, Stage

PORT = 7901
SHOP = str(ROOT / "tests/fixtures/windows/service.py")
CUSTOMERS = str(ROOT / "tests/fixtures/windows/clients.py")


def nothing(_stage: Stage, _knobs: Knobs) -> None:
    """The collector alone."""


def steady_work(stage: Stage, _: Knobs) -> None:
    stage.program(SHOP, "healthy", PORT)
    stage.wait_for_listener(PORT)
    stage.begin()
    stage.program(CUSTOMERS, PORT, "steady", 4, 500, 0.05)


def idle_connections(stage: Stage, knobs: Knobs) -> None:
    stage.program(SHOP, "idle_connections", PORT)
    stage.wait_for_listener(PORT)
    stage.begin()
    stage.program(CUSTOMERS, PORT, "idle", int(knobs["connections"]))


def rolling_restart(stage: Stage, _: Knobs) -> None:
    """Two instances are restarted one after the other; their clients come back at once."""
    servers = {port: stage.program("server.py", port) for port in (PORT, PORT + 1)}
    for port in servers:
        stage.wait_for_listener(port)
    stage.program("client.py", *(f"127.0.0.1:{port}" for port in servers), "--kept", 40, "--pause", 0.2)
    time.sleep(5)
    stage.begin()
    for port, server in servers.items():
        server.terminate()
        time.sleep(0.5)
        stage.program("server.py", port)
        stage.wait_for_listener(port)
        time.sleep(6)


CASES = [
    Case("idle", "health", "Nothing happens.", "", (), nothing, smoke=True),
    Case("steady-work", "health", "Four customers, work that fits.", "", (), steady_work),
    Case(
        name="idle-connections",
        family="health",
        story="Thousands of connections that say nothing.",
        fix="",
        truth=(),
        play=idle_connections,
        intensities={"3000": {"connections": 3000}, "10000": {"connections": 10_000}},
    ),
    Case("rolling-restart", "health", "Two instances restart in turn.", "", (), rolling_restart),
]
