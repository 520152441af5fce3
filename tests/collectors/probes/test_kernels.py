"""What differs between kernels that are in use: each is read as far as it tells, and nothing is made up."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from collectors.probe import NoData
from collectors.probes.proc.pressure import Pressure
from collectors.probes.proc.softnet import Softnet
from collectors.probes.proc.vmstat import parse as parse_vmstat
from tests.collectors.probes import synthetic
from tests.collectors.probes.recorded import LINUX_6_18, host, read


@pytest.fixture(params=synthetic.KERNELS)
def kernel(request):
    return request.param


@pytest.fixture
def proc(tmp_path, kernel) -> Path:
    root = Path(shutil.copytree(LINUX_6_18, tmp_path / "proc", symlinks=True))
    shutil.rmtree(root / "pressure")
    if files := synthetic.pressure(kernel):
        (root / "pressure").mkdir()
        for name, text in files.items():
            (root / "pressure" / name).write_bytes(text)
    (root / "net/softnet_stat").write_bytes(synthetic.softnet(kernel))
    return root


def later(file: Path, before: bytes, after: bytes) -> None:
    text = file.read_bytes()
    assert before in text
    file.write_bytes(text.replace(before, after))


def test_drops_of_each_cpu_are_told_and_its_backlog_where_the_kernel_tells_it(proc, kernel):
    probe = Softnet()
    first = read(probe, proc)
    later(proc / "net/softnet_stat", b"00000102 00000012", b"00000105 00000019")
    told = read(probe, proc)
    offline_shifts = kernel == "4.18"  # which CPU a line is of was not said
    cpu = "1" if offline_shifts else "2"
    assert told["softnet_dropped_total", cpu] == 7
    assert told["softnet_dropped_total", "0"] == 0
    backlogs = {key[1]: value for key, value in first.items() if key[0] == "softnet_backlog_length"}
    assert backlogs == ({} if kernel == "4.18" else {"0": 5, "2": 7})


def test_a_counter_of_32_bits_that_wraps_counts_on_and_never_down(proc):
    probe = Softnet()
    later(proc / "net/softnet_stat", b"00000102", b"fffffff0")
    read(probe, proc)
    later(proc / "net/softnet_stat", b"fffffff0", b"00000010")
    told = read(probe, proc)
    assert max(value for key, value in told.items() if key[0] == "softnet_processed_total") == 0x10


def test_pressure_is_told_for_what_the_kernel_accounts(proc, kernel):
    if kernel == "4.18":
        with pytest.raises(NoData, match=r"Linux 4\.20"):
            list(Pressure().collect(host(proc)))
        return
    probe = Pressure()
    read(probe, proc)
    for file in (proc / "pressure").iterdir():
        later(file, b"total=2500000", b"total=4000000")
    told = read(probe, proc)
    assert set(told.values()) == {1.5}
    assert ("pressure_irq_stalled_seconds_total",) in told or kernel in {"5.10", "5.15"}
    assert len(told) == (6 if kernel in {"6.1", "6.12"} else 5)


def test_refaults_are_one_number_on_every_kernel(kernel):
    assert parse_vmstat(synthetic.vmstat(kernel))["vmstat_workingset_refault", ()] == 5
