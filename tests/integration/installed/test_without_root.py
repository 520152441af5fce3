"""Without root and without systemd's help: below the home directory, or as a single file."""

from __future__ import annotations

import pytest

from tests.integration.installed.conftest import PORT
from tests.integration.product import until

pytestmark = [
    pytest.mark.system,
    pytest.mark.root(to="boot systemd in namespaces"),
    pytest.mark.program("systemd-analyze"),
]
SERVER = f"http://127.0.0.1:{PORT}"
AS_NOBODY = "cd /tmp && runuser -u nobody -- env HOME=/tmp/home"


@pytest.fixture
def home(machine):
    machine.run("install -d -o nobody -m 700 /tmp/home")
    yield "/tmp/home"
    machine.run("rm -rf /tmp/home")


def live(product, name):
    rows = product.ask("/collectors")["results"]
    return [row for row in rows if row["name"] == name and row["last_batch_at"]]


def probes(product, row):
    return product.ask(f"/collectors/{row['host']}")["probes"]


def test_below_the_home_it_runs_by_hand_and_leaves_nothing(machine, product, token, home):
    before = machine.changed()
    line = f"{AS_NOBODY} sh -c 'curl -fsSL {SERVER}/install.sh | sh -s -- --name plain'"
    said = machine.run(line, DIAGNOSE_ENROLL_TOKEN=token()).stdout
    assert "No systemd runs it here" in said
    command = next(text for text in said.splitlines() if text.endswith("/state/diagnose-collector"))
    machine.run(f"{AS_NOBODY} setsid {command.partition(': ')[2]} >/tmp/plain.log 2>&1 &")
    until(lambda: live(product, "plain"), 40, lambda: machine.run("cat /tmp/plain.log").stdout)
    (row,) = live(product, "plain")
    until(lambda: any("CAP_BPF" in each["remedy"] for each in probes(product, row)), 20)
    script = f"{home}/.local/share/diagnose-collector/install.sh"
    machine.run(f"{AS_NOBODY} sh {script} uninstall")
    assert machine.run("pgrep -u nobody", check=False).returncode == 1
    assert machine.run(f"find {home} -mindepth 1").stdout == ""
    assert machine.changed() == before


def test_the_single_file_enrols_and_sends_with_its_sampler(machine, product, token, home):
    one = "diagnose-collector-x86_64.pyz"
    machine.run(f"cd {home} && curl -fsSO {SERVER}/collector/files/{one}")
    run = f"{AS_NOBODY} /usr/bin/python3 {home}/{one}"
    machine.run(
        f"{run} enroll --server {SERVER} --state-dir {home}/state --name single",
        DIAGNOSE_ENROLL_TOKEN=token(),
    )
    machine.run(
        f"{AS_NOBODY} setsid /usr/bin/python3 {home}/{one} run --state-dir {home}/state >/tmp/single.log 2>&1 &"
    )
    try:
        until(lambda: live(product, "single"), 60, lambda: machine.run("cat /tmp/single.log").stdout)
        (row,) = live(product, "single")
        found = probes(product, row)
        assert ("cpu", "works") in {(each["probe"], each["state"]) for each in found}
        assert not any("py-spy is not installed" in each["reason"] for each in found)
    finally:
        machine.run("pkill -u nobody", check=False)
