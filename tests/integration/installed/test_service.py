"""`curl …/install.sh | sh` on a machine with systemd and no way to any other server: install, upgrade, removal."""

from __future__ import annotations

import json
import re
import zipfile

import pytest

from tests.authority import Authority, in_front_of
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


STATUS = f"{PREFIX}/bin/diagnose-collector status --state-dir {STATE}"


def service(machine, name):
    return machine.run(f"systemctl show --property {name} --value diagnose-collector").stdout.strip()


def hosts(product):
    return [host for host in product.ask("/hosts")["results"] if host["name"] == "installed"]


@pytest.fixture
def bare(machine):
    """The machine before, which is what has to be there afterwards; what a failed test left is removed."""
    before = machine.changed()
    yield before
    machine.run(f"sh {PREFIX}/install.sh uninstall", check=False)


@pytest.fixture
def installed(machine, bare, token):
    machine.run(LINE, DIAGNOSE_ENROLL_TOKEN=token())
    return bare


def test_a_host_is_installed_sends_and_leaves_nothing(machine, product, token, bare):
    said = machine.run(LINE, DIAGNOSE_ENROLL_TOKEN=token("--hosts", "1")).stdout
    assert "runs as the service diagnose-collector" in said
    pid = service(machine, "MainPID")
    assert service(machine, "ActiveState") == "active"
    assert machine.run(f"stat -c %U /proc/{pid}").stdout.strip() == "diagnose-collector"
    assert machine.run(f"stat -c '%a %U' {STATE}/token").stdout.split() == ["600", "diagnose-collector"]
    assert int(service(machine, "CPUQuotaPerSecUSec").removesuffix("ms")) == 250
    until(lambda: machine.run(STATUS, check=False).returncode == 0, 40)
    (host,) = hosts(product)
    row = product.ask(f"/collectors/{host['id']}")
    assert (row["state"], row["enrolled"], row["old"]) == ("live", True, False)
    assert row["last_batch_at"]
    assert machine.changed() > bare
    assert "removed, with its state and its user" in machine.run(f"sh {PREFIX}/install.sh uninstall").stdout
    assert machine.changed() == bare
    assert machine.run("systemctl status diagnose-collector", check=False).returncode == 4  # no such unit
    assert machine.run("id diagnose-collector", check=False).returncode != 0


def test_the_same_line_again_is_an_upgrade_of_the_same_host(machine, product, installed):
    first, (host,) = service(machine, "MainPID"), hosts(product)
    version = machine.run(f"readlink {PREFIX}/current").stdout
    machine.run(LINE)
    assert service(machine, "MainPID") != first
    assert machine.run(f"readlink {PREFIX}/current").stdout != version
    assert len(machine.run(f"ls {PREFIX}/versions").stdout.split()) == 1
    assert [each["id"] for each in hosts(product)] == [host["id"]]


def test_an_upgrade_that_does_not_start_leaves_the_version_before_running(machine, installed, altered):
    version = machine.run(f"readlink {PREFIX}/current").stdout
    altered("diagnose-collector", _with_a_defect, index=True)
    ran = machine.run(LINE, check=False)
    assert ran.returncode == 1
    assert "it was started and did not begin to work" in ran.stderr
    assert "defect" in ran.stderr
    assert "the version before goes on" in ran.stdout
    assert service(machine, "ActiveState") == "active"
    assert machine.run(f"readlink {PREFIX}/current").stdout == version
    assert len(machine.run(f"ls {PREFIX}/versions").stdout.split()) == 1
    until(lambda: machine.run(STATUS, check=False).returncode == 0, 40)


@pytest.mark.parametrize("project", ["pip", "urllib3"])
def test_a_file_that_was_changed_is_not_installed_and_nothing_stays(machine, bare, token, altered, project):
    altered(project, lambda path: path.write_bytes(path.read_bytes() + b"\0"))
    ran = machine.run(f"{LINE}", check=False, DIAGNOSE_ENROLL_TOKEN=token())
    assert ran.returncode == 1
    assert re.search(r"SHA-256 is \w+, and should be|DO NOT MATCH THE HASHES", ran.stderr)
    assert machine.changed() == bare


def test_a_token_that_was_used_lets_nobody_in_and_nothing_stays(machine, bare, token, product):
    used = token("--hosts", "1")
    product.request(
        "POST", "/api/v1/enroll", json.dumps({"name": "first", "identity": "a" * 32}).encode(),
        {"Authorization": f"Bearer {used}"},
    )  # fmt: skip
    for secret, says in ((used, "was used: it has let in all hosts"), ("dge_unknown", "is not known here")):
        ran = machine.run(LINE, check=False, DIAGNOSE_ENROLL_TOKEN=secret)
        assert ran.returncode == 1
        assert says in ran.stderr
        assert machine.changed() == bare
    ran = machine.run(LINE, check=False)
    assert "this host is not enrolled and there is no token" in ran.stderr
    assert machine.changed() == bare


def test_state_that_was_kept_makes_it_the_same_host_again(machine, product, installed):
    (host,) = hosts(product)
    machine.run(f"sh {PREFIX}/install.sh uninstall --keep-state")
    assert machine.run(f"stat -c %U {STATE}/token").stdout.strip() == "diagnose-collector"
    machine.run(LINE)
    assert service(machine, "ActiveState") == "active"
    assert [each["id"] for each in hosts(product)] == [host["id"]]


@pytest.mark.program("openssl")
def test_behind_tls_of_an_authority_of_its_own_it_installs_enrols_and_sends(
    machine, product, token, bare, tmp_path
):
    """The file of the authority lies where only root may read: the service has a copy."""
    authority = Authority(tmp_path)
    place = "/root/private/ca.pem"
    machine.run(
        f'install -d -m 700 /root/private && printf %s "$CA" >{place} && chmod 600 {place}',
        CA=authority.certificate.read_text(),
    )
    with in_front_of(PORT, authority.serving()) as port:
        server = f"https://localhost:{port}"
        line = f"curl -fsSL --cacert {place} {server}/install.sh | sh -s -- --server {server} --name private"
        ran = machine.run(line, check=False, DIAGNOSE_ENROLL_TOKEN=token())
        assert ran.returncode == 1
        assert "certificate verify failed" in ran.stderr
        assert machine.changed() == bare
        machine.run(f"{line} --ca-file {place}", DIAGNOSE_ENROLL_TOKEN=token())
        assert service(machine, "ActiveState") == "active"
        assert service(machine, "User") == "diagnose-collector"
        until(lambda: machine.run(STATUS, check=False).returncode == 0, 40)
        machine.run(f"sh {PREFIX}/install.sh uninstall")
    assert machine.changed() == bare


def _with_a_defect(wheel):
    """Another version of the collector: `run` ends at once."""
    with zipfile.ZipFile(wheel) as archive:
        files = {name: archive.read(name) for name in archive.namelist()}
    files["collectors/running.py"] = b"def run(config):\n    raise SystemExit('a defect')\n"
    files = {name: data for name, data in files.items() if not name.endswith("RECORD")} | {
        name: re.sub(rb"collectors/running.py,[^\n]*", b"collectors/running.py,,", data)
        for name, data in files.items()
        if name.endswith("RECORD")
    }
    with zipfile.ZipFile(wheel, "w") as archive:
        for name, data in files.items():
            archive.writestr(name, data)
