"""Files that are cut short, garbled or empty: fewer samples or NoData, never another error."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from collectors.kernel import procfs
from collectors.probe import NoData
from collectors.probes import ALL
from collectors.probes.proc.processes import parse_switches
from collectors.tables import point_table
from collectors.wire import Fact, Points, encode_item
from tests.collectors.probes.recorded import LINUX_6_18, host

FILES = {
    "cpu": ("stat", "loadavg"),
    "memory": ("meminfo",),
    "pressure": ("pressure/cpu", "pressure/memory"),
    "softirqs": ("softirqs",),
    "softnet": ("net/softnet_stat",),
    "interrupts": ("interrupts",),
    "vmstat": ("vmstat",),
    "zoneinfo": ("zoneinfo",),
    "disks": ("diskstats",),
    "filesystems": ("1/mounts",),
    "kernel": ("sys/fs/file-nr", "loadavg", "sys/kernel/threads-max"),
    "conntrack": ("net/stat/nf_conntrack", "sys/net/netfilter/nf_conntrack_count"),
    "netstat": ("net/netstat", "net/snmp", "net/snmp6"),
    "sockstat": ("net/sockstat", "net/sockstat6"),
    "processes": ("812/stat", "812/limits", "812/cmdline", "812/cgroup", "812/task/812/status"),
    "facts": ("stat", "meminfo", "sys/net/core/somaxconn", "sys/kernel/osrelease"),
}
READERS = [kind for kind in ALL if kind.NAME in FILES]


@pytest.fixture(scope="module")
def proc(tmp_path_factory) -> Path:
    """Names of processes are kept by root, so that this copy must not be the tree other tests read."""
    return Path(shutil.copytree(LINUX_6_18, tmp_path_factory.mktemp("garbled") / "proc", symlinks=True))


def collect(probe, proc: Path) -> list:
    try:
        return list(probe.collect(host(proc)))
    except NoData:
        return []


def spoil(data: bytes, draw) -> bytes:
    at = draw(st.integers(0, len(data)))
    noise = draw(
        st.binary(max_size=30) | st.sampled_from([b"9" * 400, b"-1", b"nan", b"\xff", b" ", b"\n", b": "])
    )
    return data[:at] + noise + data[at + draw(st.sampled_from([0, len(noise), len(data)])) :]


@pytest.mark.parametrize("kind", READERS, ids=lambda kind: kind.NAME)
@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_spoilt_files_never_break_a_probe(proc, kind, data):
    probe = kind()
    collect(probe, proc)
    originals = {name: (LINUX_6_18 / name).read_bytes() for name in FILES[kind.NAME]}
    try:
        for name, original in originals.items():
            (proc / name).write_bytes(spoil(original, data.draw))
        for sample in collect(probe, proc):
            assert isinstance(sample, Points | Fact)
            if isinstance(sample, Fact):
                encode_item(sample)
            else:
                point_table([sample])
                assert sample.values[0] >= 0
    finally:
        for name, original in originals.items():
            (proc / name).write_bytes(original)


@pytest.mark.parametrize("kind", READERS, ids=lambda kind: kind.NAME)
def test_empty_files_yield_nothing_that_was_not_read(tmp_path, kind):
    proc = Path(shutil.copytree(LINUX_6_18, tmp_path / "proc", symlinks=True))
    for name in FILES[kind.NAME]:
        (proc / name).write_bytes(b"")
    samples = collect(kind(), proc)
    assert [s for s in samples if isinstance(s, Points)] == []


@pytest.mark.parametrize(
    "kind", [k for k in READERS if k.NAME not in {"processes", "limits"}], ids=lambda k: k.NAME
)
def test_an_empty_tree_is_no_data_with_the_missing_name(tmp_path, kind):
    with pytest.raises(NoData, match=r"does not exist|kernel has no|module nf_conntrack"):
        list(kind().collect(host(tmp_path)))


@given(st.binary(max_size=200))
def test_noise_gives_no_switches_or_true_ones(noise):
    assert all(isinstance(value, int) for value in parse_switches(noise).values())
    procfs.parse_fd_limit(noise)
