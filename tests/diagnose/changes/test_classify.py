"""Facts by name: which are changes somebody made, of what kind, of which service."""

import time
from pathlib import Path

import pytest

from collectors.probe import Host
from collectors.probes.proc.facts import Facts
from collectors.probes.runtime.units import PROPERTIES
from diagnose.changes.classify import Class, Kind, class_of


@pytest.mark.parametrize(
    ("fact", "kind", "service"),
    [
        ("sysctl.net.core.somaxconn", Kind.SETTING, ""),
        ("kernel.boot_id", Kind.RESTART, ""),
        ("kernel.release", Kind.SOFTWARE, ""),
        ("cpu.count", Kind.HARDWARE, ""),
        ("nic.eth0.ring_rx", Kind.SETTING, ""),
        ("unit.shop.service.LimitNOFILE", Kind.LIMIT, "shop.service"),
        ("unit.shop.service.DropInPaths", Kind.CONFIGURATION, "shop.service"),
        ("unit.shop.service.ExecMainStatus", Kind.RESTART, "shop.service"),
        ("service.shop.service.limit.nofile", Kind.LIMIT, "shop.service"),
        ("service.shop.env.GOMAXPROCS", Kind.CONFIGURATION, "shop"),
        ("service.a.b.runtime_version", Kind.SOFTWARE, "a.b"),
        ("service.shop.started", Kind.RESTART, "shop"),
    ],
)
def test_a_fact_tells_the_kind_and_the_service(fact, kind, service):
    assert class_of(fact) == Class(kind, service)


@pytest.mark.parametrize("fact", ["irq.24.affinity", "capture.python_cpu", "cpu.something", "service.shop.x"])
def test_what_nobody_changed_is_no_change(fact):
    assert class_of(fact) is None


def test_every_fact_of_this_host_and_of_units_that_could_be_set_is_known():
    here = Host(proc=Path("/proc"), sys=Path("/sys"), now_ns=time.time_ns())
    names = [sample.name for sample in Facts().collect(here)]
    unknown = {name for name in names if class_of(name) is None}
    assert unknown <= {"collector.python"}
    assert all(class_of(f"unit.shop.service.{each}") for each in PROPERTIES)
