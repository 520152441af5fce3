"""What services are started with, and what their processes read, write and may use: real processes."""

from __future__ import annotations

import os
import resource
import shutil
import struct
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from collectors.kernel import machine, procfs
from collectors.probe import NoData
from collectors.probes.proc.details import IO_DELAY, Details, count_cpus, parse_io, parse_status
from collectors.probes.runtime.services import Services, parse_environment, parse_limits
from collectors.processes import identity, runtimes, watched
from collectors.wire import Fact
from tests.collectors.kernel.test_procfs import child
from tests.collectors.probes.recorded import LINUX_6_18, LIVE, host, read


@contextmanager
def watching(pid: int):
    """As if the process probe had chosen this process alone."""
    watched.of(LIVE).processes = [identity.describe(procfs.stat(LIVE, pid))]
    try:
        yield watched.of(LIVE).processes[0].service
    finally:
        watched.of(LIVE).processes = None


def told(probe) -> dict[str, str]:
    return {fact.name: fact.value for fact in probe.collect(host(LIVE)) if isinstance(fact, Fact)}


def test_a_service_is_told_with_its_runtime_limits_and_pool_sizes_but_no_secret():
    environment = {
        **os.environ,
        "DIAGNOSE_SERVICE": "shop",
        "GOMAXPROCS": "3",
        "DATABASE_PASSWORD": "hunter2Xq9",
    }
    with child("", env=environment) as process, watching(process.pid) as service:
        facts = told(Services())
    assert service == "shop"
    assert facts["service.shop.runtime"].startswith("python3.")
    assert facts["service.shop.runtime_version"].startswith("3.")
    assert facts["service.shop.env.GOMAXPROCS"] == "3"
    assert facts["service.shop.limit.nofile"].split()[0].isdigit()
    assert "…" in facts["service.shop.command"]
    assert "hunter2Xq9" not in " ".join(facts.values())


def test_a_raised_limit_is_told_as_a_change():
    environment = {**os.environ, "DIAGNOSE_SERVICE": "shop"}
    with child("", env=environment) as process, watching(process.pid):
        probe = Services()
        told(probe)
        assert told(probe) == {}
        resource.prlimit(process.pid, resource.RLIMIT_NOFILE, (123, 456))
        assert told(probe) == {"service.shop.limit.nofile": "123 456"}


def test_a_new_start_and_a_new_version_are_told_but_not_who_is_watched_meanwhile():
    environment = {**os.environ, "DIAGNOSE_SERVICE": "shop", "APP_VERSION": "1.4"}
    probe = Services()
    with child("", env=environment) as process:
        with watching(process.pid):
            first = told(probe)
        with child("", env=environment) as younger, watching(younger.pid):
            assert told(probe) == {}
    assert first["service.shop.version"] == "1.4"
    with child("", env=environment | {"APP_VERSION": "1.5"}) as process, watching(process.pid):
        again = told(probe)
    assert again["service.shop.version"] == "1.5"
    assert again["service.shop.started"] != first["service.shop.started"]


WRITING = """
import os, sys
for line in sys.stdin:
    with open(line.strip(), "wb") as stream:
        stream.write(bytes(1 << 20)); stream.flush(); os.fsync(stream.fileno())
    print("written", flush=True)
"""


def test_what_a_process_writes_and_may_use_is_told(tmp_path):
    first = min(os.sched_getaffinity(0))
    code = f"import os; os.sched_setaffinity(0, [{first}]); print('up', flush=True)\n{WRITING}"
    with child(code) as process, watching(process.pid):
        probe = Details()
        read(probe, LIVE)
        process.stdin.write(f"{tmp_path}/file\n".encode())
        process.stdin.flush()
        assert process.stdout.readline() == b"written\n"
        time.sleep(0.05)
        found = {key[0]: value for key, value in read(probe, LIVE).items()}
    assert found["process_io_write_calls_total"] >= 1
    assert found["process_io_written_bytes_total"] >= 1 << 20 or tmp_path.stat().st_dev not in _disks()
    assert found["process_allowed_cpus"] == 1
    assert 0 <= found["process_age_seconds"] < 60
    assert found["process_swap_bytes"] == 0


@pytest.fixture
def delays_counted() -> Iterator[None]:
    """The kernel counts what processes wait for disks, of those that begin from now on."""
    setting = LIVE / "sys/kernel/task_delayacct"
    if not setting.exists():
        pytest.skip("this kernel has no kernel.task_delayacct")
    before = setting.read_text()
    setting.write_text("1")
    try:
        yield
    finally:
        setting.write_text(before)


FLUSHING = """
import os, sys
from concurrent.futures import ThreadPoolExecutor
def flush(path):
    with open(path, "wb") as stream:
        for _ in range(40): stream.write(bytes(1 << 16)); stream.flush(); os.fsync(stream.fileno())
pool = ThreadPoolExecutor(1)
print("up", flush=True)
for line in sys.stdin:
    pool.submit(flush, line.strip()).result()
    print("flushed", flush=True)
"""


@pytest.mark.root(to="switch delay accounting on")
@pytest.mark.usefixtures("delays_counted")
def test_the_time_that_a_thread_waits_for_a_disk_is_told(tmp_path):
    if tmp_path.stat().st_dev not in _disks():
        pytest.skip("temporary files lie on no disk here")
    with child(FLUSHING) as process, watching(process.pid):
        probe = Details()
        read(probe, LIVE)
        told = 0.0
        deadline = time.monotonic() + 20
        while not told and time.monotonic() < deadline:  # a tick is 10 ms, and a fast disk is done before
            process.stdin.write(f"{tmp_path}/file\n".encode())
            process.stdin.flush()
            assert process.stdout.readline() == b"flushed\n"
            told = sum(value for key, value in read(probe, LIVE).items() if key[0] == IO_DELAY)
    assert 0 < told < 20


def test_where_the_kernel_does_not_count_delays_none_are_told():
    with child("") as process, watching(process.pid):
        setting = (LIVE / "sys/kernel/task_delayacct").read_text().strip()
        probe = Details()
        read(probe, LIVE)
        metrics = {key[0] for key in read(probe, LIVE)}
    assert (IO_DELAY in metrics) == (setting != "0")


def _disks() -> set[int]:
    """Devices whose writes the kernel accounts: not tmpfs."""
    return {
        os.makedev(*map(int, line.split()[:2])) for line in Path("/proc/diskstats").read_text().splitlines()
    }


def test_without_the_process_probes_choice_there_is_no_data():
    watched.of(LINUX_6_18).processes = None
    for probe in (Details(), Services()):
        with pytest.raises(NoData, match="probe processes"):
            list(probe.collect(host()))


@pytest.mark.parametrize(
    ("text", "count"), [(b"0-3,8", 5), (b"0", 1), (b"0-255", 256), (b"", None), (b"3-1", None)]
)
def test_cpus_of_a_list_are_counted(text, count):
    assert count_cpus(text) == count


@given(st.binary(max_size=200))
def test_noise_is_no_error(noise):
    parse_io(noise)
    parse_status(b"VmSwap:\t" + noise + b"\nCpus_allowed_list:\t" + noise)
    parse_limits(b"Max open files " + noise)
    parse_environment(b"GOGC=" + noise)


def go_program(version: bytes) -> bytes:
    """A data segment as the Go linker writes it (debug/buildinfo): magic, pointer size 8, flags 2, length, version."""
    header = bytearray(64)
    header[:5] = b"\x7fELF\x02"
    struct.pack_into("<Q", header, 32, 64)
    struct.pack_into("<HH", header, 54, 56, 1)
    segment = struct.pack("<IIQ", 1, 6, 4096) + bytes(32)
    info = b"\xff Go buildinf:" + bytes([8, 2]) + bytes(16) + bytes([len(version)]) + version
    return bytes(header) + segment + bytes(4096 - 64 - len(segment)) + bytes(64) + info


@pytest.mark.parametrize("version", ["1.22.1", "1.25", "1.24rc1"])
def test_the_version_of_a_go_program_is_in_its_data_segment(tmp_path, version):
    (tmp_path / "7").mkdir()
    (tmp_path / "7/exe").write_bytes(go_program(f"go{version}".encode()))
    assert runtimes.version("go", str(tmp_path), 7) == version


def test_the_version_of_a_real_go_program_is_told(tmp_path):
    go = shutil.which("go")
    if go is None:
        pytest.skip("there is no Go program here to look at")
    (tmp_path / "7").mkdir()
    (tmp_path / "7/exe").symlink_to(Path(go).resolve())
    printed = subprocess.run(
        [go, "env", "GOVERSION"], capture_output=True, text=True, check=True
    ).stdout.strip()
    assert runtimes.version("go", str(tmp_path), 7) == printed.removeprefix("go").split()[0]


def test_versions_of_java_and_node_stand_beside_their_programs(tmp_path):
    (tmp_path / "7/root/opt/jdk").mkdir(parents=True)
    (tmp_path / "7/exe").symlink_to("/opt/jdk/bin/java")
    (tmp_path / "7/root/opt/jdk/release").write_text('IMPLEMENTOR="Debian"\nJAVA_VERSION="17.0.12"\n')
    (tmp_path / "8").mkdir()
    (tmp_path / "8/exe").symlink_to("/home/shop/.nvm/versions/node/v22.3.0/bin/node")
    assert runtimes.version("java", str(tmp_path), 7) == "17.0.12"
    assert runtimes.version("node", str(tmp_path), 8) == "22.3.0"
    assert runtimes.version("native", str(tmp_path), 8) == ""


@given(st.binary(max_size=300))
def test_a_program_of_noise_has_no_version(tmp_path_factory, noise):
    directory = tmp_path_factory.mktemp("program")
    (directory / "7").mkdir()
    (directory / "7/exe").write_bytes(b"\x7fELF\x02" + noise)
    assert runtimes.version("go", str(directory), 7) == ""
    shutil.rmtree(directory)


def test_a_machine_is_told_by_its_tables_and_its_command_line_without_secrets(tmp_path):
    (tmp_path / "sys/class/dmi/id").mkdir(parents=True)
    (tmp_path / "sys/class/dmi/id/sys_vendor").write_text("Amazon EC2\n")
    (tmp_path / "proc").mkdir()
    (tmp_path / "proc/cmdline").write_text("root=/dev/sda quiet rd.luks.password=hunter2 isolcpus=2-3\n")
    (tmp_path / "proc/cpuinfo").write_text("processor\t: 0\nmodel name\t: Intel(R) Xeon(R) CPU\n")
    found = dict(machine.facts(tmp_path / "proc", tmp_path / "sys"))
    assert found["machine.cloud"] == "aws"
    assert found["cpu.model"] == "Intel(R) Xeon(R) CPU"
    assert "isolcpus=2-3" in found["kernel.command_line"]
    assert "hunter2" not in found["kernel.command_line"]
    assert machine.cloud("QEMU Standard PC") == ""
