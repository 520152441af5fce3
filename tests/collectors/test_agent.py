"""The whole agent in this process: punctual, isolated from its probes, within its budget."""

from __future__ import annotations

import threading
import time
from contextlib import contextmanager

import pytest

from collectors import agent as agent_module
from collectors import budget as budget_module
from collectors.agent import Agent
from collectors.columns import StackColumns
from collectors.config import load
from collectors.delivery.client import Client
from collectors.delivery.commands import Commands
from collectors.delivery.ship import Shipper
from collectors.delivery.spool import Spool
from collectors.probe import NoData
from collectors.state import read_state
from collectors.wire import Fact, Points, ProbeStatus, Stacks
from diagnose.store.hosts import SWITCHED_OFF
from tests.collectors.acceptor import Acceptor, json_reply, serving

BATCHES, COMMANDS = "/api/v1/batches", "/api/v1/commands"
HOST = "0123456789abcdef0123456789abcdef"


class Steady:
    NAME, METRICS, COST, INTERVAL_SECONDS = "steady", (), "cheap", 0.1

    def collect(self, host):
        yield Points("steady", {}, [host.now_ns], [1.0])


class Hanging(Steady):
    NAME = "hanging"

    def __init__(self):
        self.released, self.runs = threading.Event(), 0

    def collect(self, host):
        self.runs += 1
        self.released.wait(30)
        yield from ()


class Broken(Steady):
    NAME = "broken"

    def collect(self, host):
        yield Points("before_the_error", {}, [host.now_ns], [1.0])
        raise ZeroDivisionError("float division by zero")


class Absent(Steady):
    NAME = "absent"

    def collect(self, host):
        raise NoData("/proc/pressure does not exist: this kernel was built without it")


@pytest.fixture
def server():
    with serving(Acceptor()) as acceptor:
        acceptor.routes[COMMANDS] = lambda _: json_reply(200, {"commands": [], "after": ""})
        yield acceptor


@contextmanager
def running(server, tmp_path, probes, sampler=None, capture=lambda *_: None, off=()):
    """An agent in this process, on a thread, where the probes `off` are switched off."""
    flags = {"server": server.url, "state_dir": str(tmp_path), "disable": list(off)}
    config = load(None, {}, flags, off)
    spool = Spool(tmp_path / "spool", 1 << 24)
    client = Client(server.url, lambda: "secret", "test", "", "")
    shipper = Shipper(spool, client, HOST, "test")
    agent = Agent(
        config,
        HOST,
        probes,
        spool,
        shipper,
        sampler,
        lambda emit: Commands(client, tmp_path / "commands", lambda _: None, capture, emit),
    )
    thread = threading.Thread(target=agent.run, daemon=True)
    thread.start()
    try:
        yield agent
    finally:
        agent.stop()
        thread.join(5)
        assert not thread.is_alive()


def statuses(server) -> dict[str, ProbeStatus]:
    return {s.probe: s for s in server.samples() if isinstance(s, ProbeStatus)}


def test_the_first_batch_is_sent_at_once_and_the_second_when_counters_were_read_twice(server, tmp_path):
    started = time.monotonic()
    with running(server, tmp_path, [Steady()]):
        server.wait_for(lambda: server.arrivals, 5)
        assert time.monotonic() - started < 1.1
        server.wait_for(lambda: len(server.arrivals) > 1, 5)
        assert time.monotonic() - started < 2.2
    steady = [s for s in server.samples() if isinstance(s, Points) and s.metric == "steady"]
    assert len(steady[1].times) >= 5  # the readings of one series are one sample
    assert steady[1].times == sorted(steady[1].times)


def test_every_probe_is_reported_with_its_outcome(server, tmp_path, monkeypatch):
    monkeypatch.setattr(agent_module, "FIRST_PUSH_SECONDS", 0.3)
    with running(server, tmp_path, [Steady(), Broken(), Absent()]):
        server.wait_for(lambda: server.arrivals)
    found = statuses(server)
    assert found["steady"].ok
    assert (found["broken"].ok, found["broken"].reason) == (
        False,
        "ZeroDivisionError: float division by zero",
    )
    assert (found["absent"].ok, found["absent"].reason[:14]) == (False, "/proc/pressure")
    assert "before_the_error" in {s.metric for s in server.samples() if isinstance(s, Points)}


def test_a_probe_that_is_switched_off_says_so_in_the_words_that_the_server_knows(
    server, tmp_path, monkeypatch
):
    monkeypatch.setattr(agent_module, "FIRST_PUSH_SECONDS", 0.1)
    with running(server, tmp_path, [Steady()], off=("unwanted",)):
        server.wait_for(lambda: "unwanted" in statuses(server))
    found = statuses(server)["unwanted"]
    assert not found.ok
    assert found.reason.startswith(SWITCHED_OFF)


def test_a_hanging_probe_delays_nobody_for_long_and_is_left_alone_until_it_returns(
    server, tmp_path, monkeypatch
):
    monkeypatch.setattr(agent_module, "PROBE_SECONDS", 0.2)
    monkeypatch.setattr(agent_module, "FIRST_PUSH_SECONDS", 1.5)
    hanging = Hanging()
    with running(server, tmp_path, [hanging, Steady()]):
        server.wait_for(lambda: server.arrivals)
        assert hanging.runs == 1
        hanging.released.set()
    assert not statuses(server)["hanging"].ok
    assert "did not come back" in statuses(server)["hanging"].reason
    steady = [s for s in server.samples() if isinstance(s, Points) and s.metric == "steady"]
    assert sum(len(s.times) for s in steady) >= 8


def test_a_capture_is_sent_at_once(server, tmp_path, monkeypatch):
    monkeypatch.setattr(agent_module, "FIRST_PUSH_SECONDS", 60.0)
    stacks = Stacks(
        "cpu", "samples", "shop", {}, 1, 2, 10_000_000, ["f"], StackColumns.of([], [], []), capture_id="c1"
    )
    command = {
        "id": "c1",
        "action": "capture",
        "expires_ns": time.time_ns() + 10**10,
        "target": {"pid": 1},
    }
    server.script[COMMANDS] = [json_reply(200, {"commands": [command], "after": "1-0"})]
    started = time.monotonic()
    with running(server, tmp_path, [], capture=lambda _, outlets, ending: outlets.emit(stacks)):
        server.wait_for(lambda: server.arrivals, 5)
    assert time.monotonic() - started < 2
    assert stacks in server.samples()


def test_a_defect_in_the_sampler_does_not_end_the_agent(server, tmp_path, monkeypatch):
    monkeypatch.setattr(agent_module, "FIRST_PUSH_SECONDS", 0.1)
    monkeypatch.setattr(agent_module, "PUSH_SECONDS", 0.1)

    class Sampler:
        asked = 0

        def start(self, emit):
            emit(Fact("sampled", "1", 1))

        def stop(self):
            pass

        def status(self):
            self.asked += 1
            if self.asked == 1:
                raise RuntimeError("a defect")
            yield ProbeStatus("stacks.python", False, "py-spy is not installed", 0.0, 0)

    with running(server, tmp_path, [Steady()], Sampler()):
        server.wait_for(lambda: "stacks.python" in statuses(server), 10)
    assert statuses(server)["stacks.python"].reason == "py-spy is not installed"
    assert "sampled" in {s.name for s in server.samples() if isinstance(s, Fact)}


def test_above_its_budget_the_agent_slows_its_probes_down(server, tmp_path, monkeypatch):
    monkeypatch.setattr(agent_module, "FIRST_PUSH_SECONDS", 0.1)
    monkeypatch.setattr(agent_module, "SECOND_PUSH_SECONDS", 0.2)
    monkeypatch.setattr(agent_module, "PUSH_SECONDS", 0.2)
    monkeypatch.setattr(budget_module, "GRACE_SECONDS", 0.0)

    class Greedy(Steady):
        NAME, runs = "greedy", 0

        def collect(self, host):
            self.runs += 1
            end = time.thread_time() + 0.05
            while time.thread_time() < end:
                pass
            yield from ()

    greedy = Greedy()
    with running(server, tmp_path, [greedy]):
        time.sleep(1.5)
        before = greedy.runs
        time.sleep(2.0)
        assert greedy.runs - before <= 5
    assert read_state(tmp_path).slowdown > 2


def test_the_agents_own_cost_is_measured(server, tmp_path, monkeypatch):
    monkeypatch.setattr(agent_module, "FIRST_PUSH_SECONDS", 1.2)
    with running(server, tmp_path, [Steady()]):
        server.wait_for(lambda: server.arrivals)
    metrics = {s.metric for s in server.samples() if isinstance(s, Points)}
    assert {"collector_cpu_seconds_total", "collector_resident_memory_bytes"} <= metrics
    assert {"collector_spool_batches", "collector_spool_bytes"} <= metrics


class Greedy(Steady):
    NAME = "greedy"
    let_go = 0

    def rest(self) -> None:
        self.let_go += 1

    def collect(self, host):
        began = time.thread_time()
        while time.thread_time() - began < 0.05:
            pass
        yield Points("greedy", {}, [host.now_ns], [1.0])


def test_above_its_budget_the_dearest_probe_rests_first_and_says_so(server, tmp_path, monkeypatch, caplog):
    monkeypatch.setattr(agent_module, "PUSH_SECONDS", 0.2)
    monkeypatch.setattr(agent_module, "SECOND_PUSH_SECONDS", 0.2)
    monkeypatch.setattr(budget_module, "GRACE_SECONDS", 0.0)
    monkeypatch.setattr(budget_module, "MAX_SLOWDOWN", 1.5)

    def resting() -> list[ProbeStatus]:
        found = (s for s in server.samples() if isinstance(s, ProbeStatus))
        return [status for status in found if status.reason.startswith("rests")]

    greedy = Greedy()
    with running(server, tmp_path, [Steady(), greedy]):
        server.wait_for(resting, 15)
    assert greedy.let_go
    first = next(record.getMessage() for record in caplog.records if " rests: " in record.getMessage())
    assert first.startswith("probe greedy")  # a batch that is late may tell of the next one too
    reasons = {status.probe: status.reason for status in resting()}
    assert "above its budget of 2 % of a core" in reasons["greedy"]
