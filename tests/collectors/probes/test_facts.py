"""Facts: all at the start, then only what changed."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from collectors.probe import NoData
from collectors.probes.proc.facts import Facts, parse_os_name
from tests.collectors.probes.recorded import LINUX_6_18, LIVE, host


def told(probe: Facts, proc: Path) -> dict[str, str]:
    return {fact.name: fact.value for fact in probe.collect(host(proc))}


def test_everything_is_told_at_the_start():
    facts = told(Facts(), LINUX_6_18)
    assert facts["kernel.release"] == "6.18.44"
    assert facts["cpu.count"] == "2"
    assert int(facts["memory.total_bytes"]) > 1e9
    assert facts["sysctl.net.core.somaxconn"] == "4096"
    assert facts["sysctl.net.ipv4.tcp_rmem"] == "4096 131072 33554432"


def test_nothing_is_told_again_until_it_changes(tmp_path):
    proc = Path(shutil.copytree(LINUX_6_18, tmp_path / "proc", symlinks=True))
    probe = Facts()
    told(probe, proc)
    assert told(probe, proc) == {}
    (proc / "sys/net/core/somaxconn").write_text("65535\n")
    assert told(probe, proc) == {"sysctl.net.core.somaxconn": "65535"}
    assert told(probe, proc) == {}


def test_the_live_hosts_facts_have_what_advice_needs():
    facts = told(Facts(), LIVE)
    needed = {
        "sysctl.net.core.somaxconn",
        "sysctl.fs.nr_open",
        "sysctl.net.ipv4.tcp_max_syn_backlog",
        "os.name",
    }
    assert needed <= facts.keys()
    assert all(facts.values())


def test_the_name_of_the_system_is_unquoted():
    assert parse_os_name(b'ID=debian\nPRETTY_NAME="Debian GNU/Linux 12 (bookworm)"\n') == (
        "Debian GNU/Linux 12 (bookworm)"
    )
    assert parse_os_name(b"") == ""


def test_a_host_without_sysctls_is_no_data(tmp_path):
    with pytest.raises(NoData, match="does not exist"):
        told(Facts(), tmp_path)
