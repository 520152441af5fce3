"""What a host lacks for eBPF is said before anything is tried."""

from __future__ import annotations

import errno
import os

import pytest

from collectors.ebpf import support
from collectors.ebpf.source import Source
from collectors.probe import NoData

ALL_CAPABILITIES, NONE, BPF_ONLY, BPF_AND_PERFMON = 0x1FFFFFFFFFF, 0, 1 << 39, 1 << 39 | 1 << 38


@pytest.fixture
def root(tmp_path):
    def make(types: bool = True, capabilities: int = ALL_CAPABILITIES):
        (tmp_path / "sys/kernel/btf").mkdir(parents=True)
        if types:
            (tmp_path / "sys/kernel/btf/vmlinux").touch()
        (tmp_path / "proc/self").mkdir(parents=True)
        (tmp_path / "proc/self/status").write_text(f"Name:\tpython3\nCapEff:\t{capabilities:016x}\n")
        return tmp_path

    return make


@pytest.mark.parametrize("release", ["5.17.0-1-amd64", "6.1.0-35-amd64", "6.18.44"])
@pytest.mark.parametrize("capabilities", [ALL_CAPABILITIES, BPF_AND_PERFMON])
def test_a_host_that_has_everything_lacks_nothing(root, release, capabilities):
    assert support.missing(root(capabilities=capabilities), release, "x86_64") == ""


@pytest.mark.parametrize("release", ["5.16.20", "5.10.0-28-amd64", "4.19.0", "nonsense"])
def test_an_old_kernel_is_named_with_what_is_needed(root, release):
    assert f"Linux {release} is too old: " in support.missing(root(), release, "x86_64")


def test_another_machine_is_named(root):
    reason = support.missing(root(), "6.1.0", "riscv64")
    assert reason == "this machine is riscv64; packs run on x86_64 and aarch64"


def test_a_kernel_without_types_is_named(root):
    assert "CONFIG_DEBUG_INFO_BTF" in support.missing(root(types=False), "6.1.0", "x86_64")


@pytest.mark.parametrize(
    ("capabilities", "named"), [(NONE, "CAP_BPF and CAP_PERFMON"), (BPF_ONLY, "lacks CAP_PERFMON")]
)
def test_capabilities_that_lack_are_named(root, capabilities, named):
    assert named in support.missing(root(capabilities=capabilities), "6.1.0", "aarch64")


def test_what_a_host_lacks_reaches_the_page_as_no_data(monkeypatch, tmp_path):
    monkeypatch.setattr(support, "missing", lambda: "Linux 4.19 is too old")
    with pytest.raises(NoData, match="too old"):
        Source(tmp_path / "any.pack").drain()


@pytest.mark.parametrize(
    ("number", "words"),
    [
        (errno.EPERM, "CAP_BPF"),
        (errno.ESRCH, "lacks a tracepoint or field"),
        (errno.ENOENT, "lacks a tracepoint or field"),
        (errno.EOPNOTSUPP, "built without it"),
        (errno.ENOMEM, "Cannot allocate memory"),
    ],
)
def test_an_error_of_the_kernel_becomes_words(number, words):
    assert words in support.explain(OSError(number, os.strerror(number)), "loading tcp_rtt")
