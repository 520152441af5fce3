"""`curl …/install.sh | sh` on a machine with systemd and no way to any other server: install, upgrade, removal."""

from __future__ import annotations

import pytest

from tests.integration.installed.conftest import PORT
from tests.integration.product import until

pytestmark = [
    pytest.mark.system,
    pytest.mark.root(to="boot systemd in namespaces"),
    pytest.mark.program("systemd-analyze"),
]
LINE = f"curl -fsSL http://127.0.0.1:{PORT}/install.sh | sh -s -- --name installed"
PREFIX, STATE = "/opt/diagnose-collector", "/var/lib/diagnose-collector"
UNIT = "/etc/systemd/system/diagnose-collector.service"


def service(machine, name):
    return machine.run(f"systemctl show --property {name} --value diagnose-collector").stdout.strip()


def test_a_host_is_installed_sends_is_upgraded_and_leaves_nothing(machine, product, token):
    before = machine.changed()
    said = machine.run(LINE, DIAGNOSE_ENROLL_TOKEN=token()).stdout
    assert "runs as the service diagnose-collector" in said
    first = service(machine, "MainPID")
    assert service(machine, "ActiveState") == "active"
    assert machine.run(f"stat -c %U /proc/{first}").stdout.strip() == "diagnose-collector"
    assert machine.run(f"stat -c '%a %U' {STATE}/token").stdout.split() == ["600", "diagnose-collector"]
    (host,) = until(lambda: [h for h in product.ask("/hosts")["results"] if h["name"] == "installed"], 10)
    status = f"{PREFIX}/bin/diagnose-collector status --state-dir {STATE}"
    until(lambda: machine.run(status, check=False).returncode == 0, 40)
    assert product.ask(f"/hosts/{host['id']}")["last_seen_at"]

    machine.run(LINE)
    assert service(machine, "MainPID") != first
    assert len(machine.run(f"ls {PREFIX}/versions").stdout.split()) == 1
    assert [h["name"] for h in product.ask("/hosts")["results"]].count("installed") == 1

    assert machine.changed() > before
    machine.run(f"sh {PREFIX}/install.sh uninstall")
    assert machine.changed() == before
    assert machine.run("systemctl status diagnose-collector", check=False).returncode == 4  # no such unit
    assert machine.run("id diagnose-collector", check=False).returncode != 0
