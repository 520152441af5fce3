"""Control groups: a throttled and a full one made for real (v1), and v2 as its kernel writes it."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from collectors.kernel import cgroups
from collectors.probe import NoData
from collectors.probes.cgroup import files
from collectors.probes.cgroup.usage import Cgroups
from collectors.wire import Points
from tests.collectors.probes.recorded import LIVE, host

V1 = Path("/sys/fs/cgroup")
NAME = f"diagnose-test-{os.getpid()}"


FILL = """
import time
while True:  # again and again: only what comes after the probe's first look is an increase
    with open("{path}", "wb") as written:
        for _ in range(60): written.write(bytes(1 << 20))
    time.sleep(0.1)
"""


def told(probe: Cgroups, path: str, where) -> dict[tuple[str, str], float]:
    """Value by metric and event or resource of one group."""
    points = [s for s in probe.collect(where) if isinstance(s, Points) and s.labels["cgroup"] == path]
    found = {(p.metric, p.labels.get("event", p.labels.get("resource", ""))): p.values[0] for p in points}
    assert len(found) == len(points)
    return found


@pytest.fixture
def group_v1(request) -> Iterator[Path]:
    """A group of the controller that the test names, gone afterwards."""
    base = V1 / request.param
    if not (base / "cgroup.procs").exists():
        pytest.skip(f"this host has no control groups of v1 for {request.param}")
    group = base / NAME
    group.mkdir()
    yield group
    for _ in range(50):
        try:
            group.rmdir()
            break
        except OSError:
            time.sleep(0.1)


def start(group: Path, code: str) -> subprocess.Popen:
    def enter() -> None:
        (group / "cgroup.procs").write_text(str(os.getpid()))

    return subprocess.Popen([sys.executable, "-c", code], preexec_fn=enter, stderr=subprocess.DEVNULL)


@pytest.mark.root(to="make a control group")
@pytest.mark.parametrize("group_v1", ["cpu"], indirect=True)
def test_a_throttled_service_is_told_with_its_quota_and_the_time_it_was_held_back(group_v1):
    (group_v1 / "cpu.cfs_quota_us").write_text("10000")
    probe = Cgroups()
    process = start(group_v1, "while True: pass")
    try:
        found: dict[tuple[str, str], float] = {}
        deadline = time.monotonic() + 20
        while not found.get(("cgroup_cpu_throttled_seconds_total", "")) and time.monotonic() < deadline:
            time.sleep(0.3)
            found = told(probe, f"/{NAME}", host(LIVE))
    finally:
        process.kill()
        process.wait()
    assert found["cgroup_cpu_limit_cores", ""] == 0.1
    assert found["cgroup_cpu_throttled_seconds_total", ""] > 0
    assert 0 < found["cgroup_cpu_throttled_periods_total", ""] <= found["cgroup_cpu_periods_total", ""]


@pytest.mark.root(to="make a control group")
@pytest.mark.parametrize("group_v1", ["memory"], indirect=True)
def test_a_service_at_its_memory_limit_is_told_with_how_often_it_met_it(group_v1):
    (group_v1 / "memory.limit_in_bytes").write_text(str(48 << 20))
    # Page cache counts, and is reclaimed instead of anybody being killed.
    code = FILL.format(path=f"/tmp/{NAME}")
    probe = Cgroups()
    process = start(group_v1, code)
    try:
        seen: dict[tuple[str, str], float] = {}
        events = 0.0
        deadline = time.monotonic() + 15
        while not events and time.monotonic() < deadline:
            time.sleep(0.1)
            seen = told(probe, f"/{NAME}", host(LIVE))
            events = seen.get(("cgroup_memory_events_total", "max"), 0.0)
    finally:
        process.kill()
        process.wait()
        Path(f"/tmp/{NAME}").unlink(missing_ok=True)
    assert events > 0
    assert seen["cgroup_memory_limit_bytes", ""] == 48 << 20
    assert 0 < seen["cgroup_memory_usage_bytes", ""] <= 48 << 20


@pytest.fixture
def synthetic_v2(tmp_path: Path) -> Path:
    """Linux 6.1, cgroup2 only: shop.service in a slice with a quota.

    Formats: cpu_cfs_stat_show and cpu_max_show (kernel/sched/core.c), memory_events_show and memory_stat_format
    (mm/memcontrol.c), pids_events_show (kernel/cgroup/pids.c), blkcg_print_one_stat (block/blk-cgroup.c), psi_show
    (kernel/sched/psi.c).
    """
    process = tmp_path / "proc/812"
    shutil.copytree(Path(__file__).parents[2] / "fixtures/proc/linux-6.18/812", process, symlinks=True)
    (process / "cgroup").write_text("0::/shop.slice/shop.service\n")
    root = tmp_path / "sys/fs/cgroup"
    slice_, service = root / "shop.slice", root / "shop.slice/shop.service"
    service.mkdir(parents=True)
    for name in ("cgroup.procs", "cgroup.subtree_control"):
        (root / name).write_text("")
    slice_files = {
        "cpu.max": "150000 100000\n",
        "memory.max": "max\n",
        "memory.current": "7000\n",
        "cpu.stat": "",
    }
    averages = "avg10=0.00 avg60=0.00 avg300=0.00"
    service_files = {
        "cpu.max": "max 100000\n",
        "cpu.stat": "usage_usec 5000000\nnr_periods 20\nnr_throttled 10\nthrottled_usec 2500000\nnr_bursts 0\n",
        "memory.current": "104857600\n",
        "memory.max": "209715200\n",
        "memory.high": "157286400\n",
        "memory.swap.current": "0\n",
        "memory.events": "low 0\nhigh 12\nmax 3\noom 1\noom_kill 1\noom_group_kill 0\n",
        "memory.stat": "anon 5000\nfile 6000\nworkingset_refault_anon 2\nworkingset_refault_file 40\npgmajfault 9\n",
        "pids.current": "17\n",
        "pids.max": "64\n",
        "pids.events": "max 5\n",
        "io.stat": "8:0 rbytes=1000 wbytes=2000 rios=1 wios=2\n253:0 rbytes=500 wbytes=0 rios=1 wios=0\n",
        "cpu.pressure": f"some {averages} total=3000000\nfull {averages} total=1000000\n",
    }
    for directory, written in ((slice_, slice_files), (service, service_files)):
        for name, text in written.items():
            (directory / name).write_text(text)
    return tmp_path


def test_limits_of_v2_are_told_for_the_service_and_for_what_it_lies_in(synthetic_v2):
    where = host(synthetic_v2 / "proc", sys=synthetic_v2 / "sys")
    probe = Cgroups()
    found = told(probe, "/shop.slice/shop.service", where)
    assert found["cgroup_memory_limit_bytes", ""] == 200 << 20
    assert found["cgroup_memory_anon_bytes", ""] == 5000
    assert found["cgroup_tasks_limit", ""] == 64
    assert ("cgroup_cpu_limit_cores", "") not in found
    assert told(probe, "/shop.slice", where)["cgroup_cpu_limit_cores", ""] == 1.5
    points = [s for s in probe.collect(where) if isinstance(s, Points)]
    services = {(p.labels["cgroup"], p.labels.get("service")) for p in points}
    assert services == {("/shop.slice/shop.service", "shop.service"), ("/shop.slice", None)}


def test_counters_of_v2_rise_in_seconds_and_bytes(synthetic_v2):
    where = host(synthetic_v2 / "proc", sys=synthetic_v2 / "sys")
    probe = Cgroups()
    told(probe, "/", where)
    service = synthetic_v2 / "sys/fs/cgroup/shop.slice/shop.service"
    for name, before, after in (
        ("cpu.stat", "throttled_usec 2500000", "throttled_usec 3000000"),
        ("memory.events", "oom_kill 1", "oom_kill 2"),
        ("memory.stat", "refault_file 40", "refault_file 140"),
        ("pids.events", "max 5", "max 6"),
        ("io.stat", "rbytes=500", "rbytes=4596"),
        ("cpu.pressure", "total=3000000", "total=5000000"),
    ):
        text = (service / name).read_text()
        assert before in text
        (service / name).write_text(text.replace(before, after))
    found = told(probe, "/shop.slice/shop.service", where)
    assert found["cgroup_cpu_throttled_seconds_total", ""] == pytest.approx(0.5)
    assert found["cgroup_memory_events_total", "oom_kill"] == 1
    assert found["cgroup_memory_events_total", "high"] == 0
    assert found["cgroup_memory_refaults_total", ""] == 100
    assert found["cgroup_tasks_refused_total", ""] == 1
    assert found["cgroup_io_read_bytes_total", ""] == 4096
    assert found["cgroup_pressure_waiting_seconds_total", "cpu"] == pytest.approx(2)


def test_every_metric_that_is_declared_is_told(synthetic_v2):
    probe, where = Cgroups(), host(synthetic_v2 / "proc", sys=synthetic_v2 / "sys")
    passes = [list(probe.collect(where)) for _ in range(2)]
    found = {sample.metric for samples in passes for sample in samples if isinstance(sample, Points)}
    assert found | {"cgroup_cpu_limit_cores"} == {metric.name for metric in Cgroups.METRICS}


def test_no_limit_of_v1_is_no_reading(tmp_path):
    (tmp_path / "memory.limit_in_bytes").write_text("9223372036854771712\n")
    (tmp_path / "cpu.cfs_quota_us").write_text("-1\n")
    (tmp_path / "cpu.cfs_period_us").write_text("100000\n")
    assert list(files.memory_v1(str(tmp_path))) == []
    assert list(files.cpu_v1(str(tmp_path))) == []


def test_a_host_without_control_groups_is_no_data(tmp_path):
    with pytest.raises(NoData, match="no control groups"):
        list(Cgroups().collect(host(sys=tmp_path)))


def test_a_process_outside_of_what_is_shown_has_no_group(tmp_path):
    (tmp_path / "5").mkdir()
    (tmp_path / "5/cgroup").write_text("0::/../../other\n4:cpu,cpuacct:/shop\n")
    assert cgroups.Tree().read(tmp_path) == {5: {"cpu": "/shop", "cpuacct": "/shop"}}


@given(
    st.binary(max_size=120), st.sampled_from([b"usage_usec ", b"some total=", b"8:0 rbytes=", b"max ", b""])
)
def test_noise_in_the_files_never_fails(tmp_path_factory, noise, before):
    directory = tmp_path_factory.mktemp("group")
    names = (
        "cpu.stat cpu.max cpuacct.usage memory.current memory.events memory.stat pids.max pids.events io.stat"
    )
    for name in (*names.split(), "cpu.pressure", "blkio.throttle.io_service_bytes_recursive"):
        (directory / name).write_bytes(before + noise)
    for read in (files.cpu_v2, files.cpu_v1, files.cpuacct_v1, files.memory_v2, files.memory_v1, files.pids):
        assert all(value >= 0 for _, _, value in read(str(directory)))
    for read in (files.io_v2, files.io_v1, files.pressure):
        assert all(value >= 0 for _, _, value in read(str(directory)))
    shutil.rmtree(directory)
