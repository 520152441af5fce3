"""Every probe tells what it declares, on this very host: names, labels, counters, and nothing twice."""

from __future__ import annotations

import resource
import time

import pytest

from collectors.probe import Metric, NoData
from collectors.probes import ALL
from collectors.probes.net import closewait, listeners, reuseport
from collectors.probes.proc import details
from collectors.processes import processtable
from collectors.wire import Histogram, Points
from tests.collectors.kernel.test_procfs import child
from tests.collectors.probes.recorded import LIVE, host

# Left out where unknown: our own namespace has no name, another user's socket no owner.
OPTIONAL = {"netns", "pid", "service", "listener", "dst", "cgroup"}


@pytest.fixture(scope="module")
def near_its_limit():
    """Gives the probe of descriptor kinds something to tell."""

    def lower() -> None:
        resource.setrlimit(resource.RLIMIT_NOFILE, (64, 64))

    with child("kept = [open('/dev/null') for _ in range(50)]", preexec_fn=lower):
        yield


SPIN = "def spin():\n    while True: pass"


@pytest.fixture(scope="module")
def busy():
    """Gives the probe of processes context switches to tell: only those of what used the CPU are read."""
    with child(f"import threading\n{SPIN}\nthreading.Thread(target=spin, daemon=True).start()"):
        yield


SOCKETS = """
import socket, threading, time
server = socket.create_server(("127.0.0.1", 0))
pairs = [(socket.create_connection(server.getsockname()), server.accept()[0]) for _ in range(2)]
pairs[1][0].close()
reader, writer = (socket.socket(type=socket.SOCK_DGRAM) for _ in range(2))
reader.bind(("127.0.0.1", 0))
def chat():
    while True:
        pairs[0][0].send(b"x")
        pairs[0][1].recv(1)
        writer.sendto(b"x", reader.getsockname())
        time.sleep(0.005)
threading.Thread(target=chat, daemon=True).start()
"""


@pytest.fixture(scope="module")
def sockets():
    """Gives the probes of sockets traffic, a connection in CLOSE_WAIT and datagrams that nobody reads."""
    with child(SOCKETS):
        yield


# Increases of context switches need a process that was seen to use the CPU in two passes after the first.
PASSES = 4
# One clock tick is 10 ms: what ran for less shows no CPU time.
PAUSE_SECONDS = 0.03


def run(kind: type) -> list[Points | Histogram]:
    """What the last pass told."""
    processtable.processes(LIVE)
    probe, points = kind(), []
    for number in range(PASSES):
        time.sleep(PAUSE_SECONDS if number else 0)
        try:
            seconds = int(number * probe.INTERVAL_SECONDS * 10)
            samples = list(probe.collect(host(LIVE, time.time_ns() + seconds * 10**9)))
        except NoData:
            samples = []
        points = [sample for sample in samples if isinstance(sample, Points | Histogram)]
    return points


@pytest.mark.usefixtures("near_its_limit", "busy", "sockets")
@pytest.mark.parametrize("kind", ALL, ids=lambda kind: kind.NAME)
def test_a_probe_tells_what_it_declares(kind):
    declared = {metric.name: metric for metric in kind.METRICS}
    for point in run(kind):
        metric = declared[point.metric]
        assert getattr(point, "counter", False) == metric.counter, metric.name
        assert set(point.labels) <= set(metric.labels), metric.name
        assert set(metric.labels) - set(point.labels) <= OPTIONAL, metric.name
        if isinstance(point, Points):
            assert len(point.times) == len(point.values) == 1


# They tell of what happens, each in a test of its own that makes it happen.
EVENT_DRIVEN = {kind.NAME for kind in ALL if kind.__module__.startswith("collectors.probes.ebpf.")}
# What some kernels lack: interrupt pressure, and counters that came or went with versions.
UNSEEN = {"namespaces", "netstat", "cgroups"}
KERNEL_DEPENDENT = {"pressure_irq_stalled_seconds_total", details.IO_DELAY}
# Told when their owner was found, who is looked for more seldom than these passes, or once in more passes than these.
LATER = {metric.name for metric in (*closewait.METRICS, *reuseport.METRICS)} | {listeners.INFO}


@pytest.mark.usefixtures("near_its_limit", "busy", "sockets")
@pytest.mark.parametrize(
    "kind", [k for k in ALL if k.NAME not in UNSEEN | EVENT_DRIVEN], ids=lambda k: k.NAME
)
def test_a_probe_declares_nothing_that_it_never_tells(kind):
    told = {point.metric for point in run(kind)}
    if not told and kind.METRICS:
        pytest.skip("this kernel has no data for it")
    assert {metric.name for metric in kind.METRICS} - told <= KERNEL_DEPENDENT | LATER


def test_probes_have_distinct_names_and_no_metric_is_declared_in_two_ways():
    assert len({kind.NAME for kind in ALL}) == len(ALL)
    declarations: dict[str, set[Metric]] = {}
    for kind in ALL:
        for metric in kind.METRICS:
            declarations.setdefault(metric.name, set()).add(metric)
    assert all(len(found) == 1 for found in declarations.values())


def test_names_say_units_and_counters():
    for metric in (metric for kind in ALL for metric in kind.METRICS):
        if metric.unit == "s":
            assert "_seconds" in metric.name
        if metric.unit == "B":
            assert metric.name.removesuffix("_total").endswith("_bytes")
        # These counters keep the names that node_exporter gave them.
        if not metric.name.startswith(("netstat_", "vmstat_")):
            assert metric.name.endswith("_total") == metric.counter, metric.name
        assert metric.help.endswith(".")
