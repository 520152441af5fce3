"""Memory nodes: a machine with two, as kernels write of them, and what is told of a real process."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from collectors.probe import NoData
from collectors.probes.proc.numa import Numa, numbers_of, parse_numa_maps
from collectors.processes import identity, watched
from collectors.wire import Fact
from tests.collectors.probes import synthetic
from tests.collectors.probes.recorded import LINUX_6_18, LIVE, SHOP_PID, host, values

NODE_OF_THE_RECORDED_CPU = "1"


@pytest.fixture
def synthetic_two_nodes(tmp_path):
    """/proc and /sys; the shop's thread ran last where it was recorded, and its memory is on both nodes."""
    proc, sys = tmp_path / "proc", tmp_path / "sys"
    shutil.copytree(LINUX_6_18, proc, symlinks=True)
    for path, text in synthetic.two_nodes().items():
        file = sys / "devices/system/node" / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(text)
    shutil.copy(proc / f"{SHOP_PID}/stat", proc / f"{SHOP_PID}/task/{SHOP_PID}/stat")
    (proc / str(SHOP_PID) / "numa_maps").write_bytes(synthetic.numa_maps())
    watched.of(proc).processes = [identity.Process(SHOP_PID, "python3.11", "shop", "python3.11", 300536)]
    return proc, sys


def test_memory_and_misses_are_told_by_node(synthetic_two_nodes):
    proc, sys = synthetic_two_nodes
    probe = Numa()
    first = values(probe.collect(host(proc, sys=sys)))
    assert first["memory_numa_MemTotal_bytes", "0"] == 32 << 30
    assert first["memory_numa_MemFree_bytes", "1"] == 1 << 30
    stat = sys / "devices/system/node/node1/numastat"
    stat.write_bytes(stat.read_bytes().replace(b"numa_foreign 700", b"numa_foreign 750"))
    second = values(probe.collect(host(proc, sys=sys)))
    assert second["memory_numa_numa_foreign_total", "1"] == 50
    assert second["memory_numa_numa_miss_total", "0"] == 0


def test_a_process_is_told_by_where_its_memory_lies_and_its_threads_ran(synthetic_two_nodes):
    proc, sys = synthetic_two_nodes
    found = values(Numa().collect(host(proc, sys=sys)))
    assert found["process_numa_memory_bytes", str(SHOP_PID), "shop", "0"] == 3 * 4096 + 2 * (2 << 20)
    assert found["process_numa_memory_bytes", str(SHOP_PID), "shop", "1"] == 5 * 4096
    threads = {key[-1]: value for key, value in found.items() if key[0] == "process_numa_threads"}
    assert threads == {NODE_OF_THE_RECORDED_CPU: 1}


def test_the_nodes_cpus_and_distances_are_facts(synthetic_two_nodes):
    proc, sys = synthetic_two_nodes
    facts = {s.name: s.value for s in Numa().collect(host(proc, sys=sys)) if isinstance(s, Fact)}
    assert facts["numa.node1.cpus"] == "1,3"
    assert facts["numa.node0.distance"] == "10 21"


def test_one_node_is_no_data(tmp_path: Path):
    (tmp_path / "devices/system/node/node0").mkdir(parents=True)
    with pytest.raises(NoData, match="one memory node"):
        list(Numa().collect(host(sys=tmp_path)))


def test_the_map_of_a_live_process_adds_up_to_its_resident_memory():
    try:
        text = (LIVE / "self/numa_maps").read_bytes()
    except FileNotFoundError:
        pytest.skip("this kernel was built without CONFIG_NUMA")
    assert sum(parse_numa_maps(text).values()) > 5e6


@given(st.binary(max_size=120), st.integers(0, 300))
def test_noise_is_read_as_nothing_or_something(noise, cut):
    parse_numa_maps(synthetic.numa_maps()[:cut] + noise)
    numbers_of(noise.decode("utf-8", "replace"))


def test_lists_of_cpus_are_read():
    assert numbers_of("0-2,5, 7-8") == [0, 1, 2, 5, 7, 8]
    assert numbers_of("") == numbers_of("a-b") == numbers_of("9-2") == []
