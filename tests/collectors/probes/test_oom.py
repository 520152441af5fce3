"""Victims of the kernel's OOM killer: a real one in a control group with a limit, and the log of other kernels."""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from collectors.probe import NoData
from collectors.probes.proc.oom import KILLS, MEMORY, Oom, Parser, Victim
from collectors.processes import identity, watched
from collectors.wire import Points
from tests.collectors.kernel.test_procfs import child
from tests.collectors.probes.recorded import LIVE, host

# Recorded from Linux 6.18, a control group of v1 at its limit; what lies between the two is left out.
LIMITED = (
    b"4,1290,36571147966,-;oom-kill:constraint=CONSTRAINT_MEMCG,nodemask=(null),cpuset=/,mems_allowed=0,"
    b"oom_memcg=/shop,task_memcg=/shop/worker,task=python3,pid=19756,uid=0\n",
    b"3,1291,36571147989,-;Memory cgroup out of memory: Killed process 19756 (python3) total-vm:79392kB, "
    b"anon-rss:20352kB, file-rss:5304kB, shmem-rss:0kB, UID:0 pgtables:108kB oom_score_adj:0\n SUBSYSTEM=x\n",
)
# The whole host, as dump_oom_summary and __oom_kill_process write it (mm/oom_kill.c, v5.15).
GLOBAL = (
    b"6,7,8,-;oom-kill:constraint=CONSTRAINT_NONE,nodemask=(null),cpuset=/,mems_allowed=0,global_oom,"
    b"task_memcg=/system.slice/shop.service,task=a (b) c,pid=77,uid=33\n",
    b"3,8,9,-;Out of memory: Killed process 77 (a (b) c) total-vm:900kB, anon-rss:500kB, file-rss:20kB, "
    b"shmem-rss:4kB, UID:33 pgtables:108kB oom_score_adj:0\n",
)
# Two lines, no line of the control group (oom_kill_process and __oom_kill_process, mm/oom_kill.c, v4.18).
BEFORE_4_20 = (
    b"3,7,8,-;Memory cgroup out of memory: Kill process 77 (shop) score 905 or sacrifice child\n",
    b"3,8,9,-;Killed process 77 (shop) total-vm:900kB, anon-rss:500kB, file-rss:20kB, shmem-rss:4kB\n",
)


def victims(*records: bytes) -> list[Victim]:
    parser = Parser()
    return [victim for record in records if (victim := parser.victim(record)) is not None]


@pytest.mark.parametrize(
    ("records", "victim"),
    [
        (LIMITED, Victim(19756, "python3", "/shop/worker", True, (20352 + 5304) * 1024)),
        (GLOBAL, Victim(77, "a (b) c", "/system.slice/shop.service", False, 524 * 1024)),
        (BEFORE_4_20, Victim(77, "shop", "", True, 524 * 1024)),
    ],
)
def test_the_victim_is_read_from_the_log_of_old_and_new_kernels(records, victim):
    assert victims(*records) == [victim]


def test_one_kill_says_nothing_of_the_group_of_the_next():
    assert [victim.limited for victim in victims(*GLOBAL, *LIMITED, *GLOBAL)] == [False, True, False]


def test_what_a_user_wrote_into_the_log_is_no_kill():
    forged = tuple(b"12" + record[1:] for record in LIMITED)
    assert victims(*forged) == []


@given(st.binary(max_size=200), st.sampled_from([*LIMITED, *BEFORE_4_20]), st.integers(0, 200))
def test_noise_in_the_log_is_no_error(noise, record, cut):
    victims(noise, record[:cut] + noise, b"3,1,2,-;" + noise)


def test_a_log_that_may_not_be_read_is_said_with_the_remedy(tmp_path):
    with pytest.raises(NoData, match=r"no-log cannot be read .* CAP_SYSLOG"):
        list(Oom(tmp_path / "no-log").collect(host()))


MEMORY_LIMIT = 24 << 20
HUNGRY = """
import sys
sys.stdin.readline()
kept = [bytearray(1 << 20) for _ in range(200)]
"""


@pytest.fixture
def limited_group() -> Iterator[Path]:
    """A control group, v1 or v2, whose memory is limited."""
    base = Path("/sys/fs/cgroup")
    name, limit = ("memory", "memory.limit_in_bytes") if (base / "memory").is_dir() else ("", "memory.max")
    directory = base / name / f"diagnose-test-oom-{os.getpid()}"
    directory.mkdir()
    try:
        (directory / limit).write_text(str(MEMORY_LIMIT))
        yield directory
    finally:
        deadline = time.monotonic() + 5
        while directory.exists() and time.monotonic() < deadline:  # its last process may still be dying
            try:
                directory.rmdir()
            except OSError:
                time.sleep(0.05)


@pytest.mark.root(to="make a control group with a limit, and read the kernel's log")
def test_a_process_that_the_kernel_kills_is_told_with_service_group_and_size(limited_group):
    probe = Oom()
    list(probe.collect(host(LIVE)))
    with child(f"print('up', flush=True)\n{HUNGRY}") as process:
        (limited_group / "cgroup.procs").write_text(str(process.pid))
        watched.of(LIVE).processes = [identity.Process(process.pid, "python3", "shop", "python3.11", 1)]
        list(probe.collect(host(LIVE)))
        watched.of(LIVE).processes = []  # who chose it looked while it was dead already
        process.stdin.write(b"\n")
        process.stdin.flush()
        assert process.wait(timeout=20) == -9
        told = [sample for sample in probe.collect(host(LIVE)) if isinstance(sample, Points)]
    ours = {sample.metric: sample for sample in told if sample.labels["pid"] == str(process.pid)}
    assert ours[KILLS].values == [1.0]
    assert ours[KILLS].counter
    assert 8 << 20 < ours[MEMORY].values[0] <= MEMORY_LIMIT + (24 << 20)  # pages of files are others' too
    assert ours[KILLS].labels == {
        "service": "shop",
        "name": Path(sys.executable).name[:15],
        "pid": str(process.pid),
        "cgroup": f"/{limited_group.name}",
        "scope": "cgroup",
    }
    assert [s for s in probe.collect(host(LIVE)) if s.labels["pid"] == str(process.pid)] == []
