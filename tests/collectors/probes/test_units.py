"""What systemctl prints, from a program that prints it: systemd does not run where tests do."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from collectors.probe import NoData
from collectors.probes.runtime.units import Units, parse
from collectors.wire import Fact, Points
from tests.collectors.probes.recorded import host

# As systemd 252 prints `systemctl show --property=… '*.service'` (man systemctl: blocks parted by an empty line).
SYNTHETIC = """Restart=on-failure
NRestarts={restarts}
LimitNOFILE=524288
LimitNOFILESoft=1024
TasksMax=4915
CPUQuotaPerSecUSec=500ms
MemoryMax=infinity
Id=shop.service
ActiveState=active
Result=success

NRestarts=0
Id=cron.service
ActiveState=active
LimitNOFILE=524288

NRestarts=5
Id=broken.service
ActiveState=failed
Result=exit-code
ExecMainStatus=3

Id=dbus.socket
NRestarts=9
"""


@pytest.fixture
def systemctl(tmp_path: Path):
    """A program, and how to make it print another number of restarts."""
    program, printed = tmp_path / "systemctl", tmp_path / "printed"
    program.write_text(f'#!/bin/sh\n[ "$1" = show ] && cat {printed}\n')
    program.chmod(0o755)

    def prints(restarts: int) -> None:
        printed.write_text(SYNTHETIC.format(restarts=restarts))

    prints(2)
    return program, prints


def test_restarts_and_settings_of_services_that_restarted_or_failed_are_told(systemctl, tmp_path):
    program, prints = systemctl
    probe = Units(str(program), tmp_path)
    first = list(probe.collect(host()))
    facts = {fact.name: fact.value for fact in first if isinstance(fact, Fact)}
    assert facts["unit.shop.service.LimitNOFILESoft"] == "1024"
    assert facts["unit.shop.service.CPUQuotaPerSecUSec"] == "500ms"
    assert facts["unit.broken.service.Result"] == "exit-code"
    assert not [name for name in facts if "cron" in name or "dbus" in name]
    prints(4)
    points = [sample for sample in probe.collect(host()) if isinstance(sample, Points)]
    told = {(point.metric, point.labels["service"]): point.values[0] for point in points}
    assert told == {
        ("systemd_unit_restarts_total", "shop.service"): 2,
        ("systemd_unit_restarts_total", "broken.service"): 0,
        ("systemd_unit_failed", "shop.service"): 0,
        ("systemd_unit_failed", "broken.service"): 1,
    }


def test_a_host_without_systemd_is_no_data(tmp_path):
    with pytest.raises(NoData, match="systemd does not run this host"):
        list(Units(booted=tmp_path / "absent").collect(host()))


def test_a_program_that_fails_is_no_data_with_what_it_said(tmp_path):
    program = tmp_path / "systemctl"
    program.write_text("#!/bin/sh\necho 'Failed to connect to bus: Host is down' >&2\nexit 1\n")
    program.chmod(0o755)
    with pytest.raises(NoData, match="Failed to connect to bus"):
        list(Units(str(program), tmp_path).collect(host()))
    with pytest.raises(NoData, match="did not answer"):
        list(Units(str(tmp_path / "absent"), tmp_path).collect(host()))


@given(st.text(max_size=300))
def test_noise_gives_units_or_none(text):
    assert all(unit["Id"].endswith(".service") for unit in parse(text))
