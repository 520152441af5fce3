"""The probes of text files, on the recorded tree: what stands in the files is what is told."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from collectors.probe import NoData
from collectors.probes.proc.cpu import Cpu, parse_load
from collectors.probes.proc.memory import Memory
from collectors.probes.proc.netstat import Netstat
from collectors.probes.proc.pressure import Pressure
from collectors.probes.proc.sockstat import Sockstat
from collectors.probes.proc.softirqs import Softirqs
from collectors.probes.proc.softirqs import parse as parse_softirqs
from collectors.probes.proc.softnet import Softnet
from collectors.probes.proc.softnet import parse as parse_softnet
from collectors.processes import processtable
from tests.collectors.probes.recorded import LINUX_6_18, host, read


@pytest.fixture
def proc(tmp_path: Path) -> Path:
    """A copy of the recorded tree that a test may change, as a second reading."""
    return Path(shutil.copytree(LINUX_6_18, tmp_path / "proc", symlinks=True))


def change(proc: Path, name: str, before: str, after: str) -> None:
    text = (proc / name).read_text()
    assert before in text
    (proc / name).write_text(text.replace(before, after, 1))


def second_reading(probe, proc: Path) -> dict[tuple[str, ...], float]:
    """After the recorded tree was read first, what the changed tree tells."""
    read(probe)
    return read(probe, proc)


def test_a_cpus_time_rises_by_the_ticks_of_its_mode(proc):
    line = next(line for line in (proc / "stat").read_text().splitlines() if line.startswith("cpu1 "))
    name, user, nice, system, *rest = line.split()
    change(proc, "stat", line, " ".join([name, str(int(user) + 250), nice, str(int(system) + 50), *rest]))
    told = second_reading(Cpu(), proc)
    assert told["cpu_seconds_total", "1", "user"] == 2.5
    assert told["cpu_seconds_total", "1", "system"] == 0.5
    assert told["cpu_seconds_total", "0", "user"] == 0.0
    assert told["context_switches_total",] == 0.0


def test_iowait_that_steps_back_is_no_reset(proc):
    line = next(line for line in (proc / "stat").read_text().splitlines() if line.startswith("cpu1 "))
    fields = line.split()
    fields[5] = str(int(fields[5]) - 2)
    change(proc, "stat", line, " ".join(fields))
    assert second_reading(Cpu(), proc)["cpu_seconds_total", "1", "iowait"] == 0.0


def test_gauges_of_the_cpu_come_with_the_first_reading():
    told = read(Cpu())
    assert set(told) == {("procs_running",), ("procs_blocked",), ("load1",)}
    assert told["load1",] == float((LINUX_6_18 / "loadavg").read_text().split()[0])


@pytest.mark.parametrize("text", [b"", b"nan 0 0", b"1e9 0", b"1.2.3 0", b"-1.0 0", b"."])
def test_a_load_that_is_no_number_is_none(text):
    assert parse_load(text) is None


def test_memory_is_told_in_bytes():
    told = read(Memory())
    total = next(line for line in (LINUX_6_18 / "meminfo").read_text().splitlines() if "MemTotal" in line)
    assert told["memory_MemTotal_bytes",] == int(total.split()[1]) * 1024
    assert 0 < told["memory_MemAvailable_bytes",] < told["memory_MemTotal_bytes",]


def test_waiting_time_is_told_in_seconds(proc):
    (proc / "pressure/cpu").write_text("some avg10=0.00 avg60=0.00 avg300=0.00 total=900000000000\n")
    probe = Pressure()
    read(probe)
    first = read(probe, proc)["pressure_cpu_waiting_seconds_total",]
    (proc / "pressure/cpu").write_text("some avg10=0.00 avg60=0.00 avg300=0.00 total=900001500000\n")
    assert first > 0
    assert read(probe, proc)["pressure_cpu_waiting_seconds_total",] == pytest.approx(1.5)


def test_a_kernel_without_pressure_says_what_it_needs(proc):
    shutil.rmtree(proc / "pressure")
    with pytest.raises(NoData, match="CONFIG_PSI"):
        list(Pressure().collect(host(proc)))


def test_software_interrupts_are_told_by_cpu_and_type(proc):
    line = next(line for line in (proc / "softirqs").read_text().splitlines() if "NET_RX" in line)
    kind, first, second = line.split()
    change(proc, "softirqs", line, f"{kind} {first} {int(second) + 716}")
    told = second_reading(Softirqs(), proc)
    assert told["softirqs_total", "1", "NET_RX"] == 716
    assert told["softirqs_total", "0", "NET_RX"] == 0


def test_a_cpu_that_was_never_online_is_left_out():
    text = b"                CPU0  CPU1  CPU2\n  TIMER:  5  0  7\n  NET_RX: 1  0  2\n"
    cpus = {dict(labels)["cpu"] for _, labels in parse_softirqs(text)}
    assert cpus == {"0", "2"}


def test_drops_and_squeezes_are_read_in_hexadecimal(proc):
    lines = (proc / "net/softnet_stat").read_text().splitlines()
    fields = lines[1].split()
    fields[1], fields[2], fields[9] = "00002710", "000002cd", "00000005"
    (proc / "net/softnet_stat").write_text("\n".join([lines[0], " ".join(fields)]) + "\n")
    told = second_reading(Softnet(), proc)
    assert told["softnet_dropped_total", "1"] == 10_000
    assert told["softnet_times_squeezed_total", "1"] == 0x2CD - 1
    assert told["softnet_received_rps_total", "1"] == 5
    assert told["softnet_dropped_total", "0"] == 0


def test_the_cpu_of_a_softnet_line_is_its_own_column_where_there_is_one():
    with_hole = b"00000001 00000000 00000000 " + b"00000000 " * 9 + b"00000003 00000000 00000000\n"
    before_5_10 = b"00000001 00000000 00000000 " + b"00000000 " * 7 + b"00000000\n"
    assert ("softnet_processed_total", (("cpu", "3"),)) in parse_softnet(with_hole)[0]
    assert ("softnet_processed_total", (("cpu", "1"),)) in parse_softnet(before_5_10 * 2)[0]


def test_listen_overflows_rise_by_what_was_dropped(proc):
    lines = (proc / "net/netstat").read_text().splitlines()
    values = lines[1].split()
    values[lines[0].split().index("ListenOverflows")] = "285"
    lines[1] = " ".join(values)
    (proc / "net/netstat").write_text("\n".join(lines) + "\n")
    told = second_reading(Netstat(), proc)
    assert told["netstat_TcpExt_ListenOverflows",] == 285
    assert told["netstat_TcpExt_ListenDrops",] == 0
    assert told["netstat_Tcp_ActiveOpens",] == 0


def test_established_connections_are_a_gauge_that_comes_at_once():
    assert set(read(Netstat())) == {("netstat_Tcp_CurrEstab",)}


def test_a_group_whose_lines_do_not_match_is_left_out(proc):
    change(proc, "net/snmp", "Udp: InDatagrams", "Udp: Extra InDatagrams")
    told = second_reading(Netstat(), proc)
    assert ("netstat_Udp_InDatagrams",) not in told
    assert ("netstat_Tcp_InSegs",) in told


def test_sockets_are_told_by_protocol_ipv6_included():
    told = read(Sockstat())
    assert told["sockstat_sockets_used",] > 0
    assert ("sockstat_TCP6_inuse",) in told
    assert ("sockstat_TCP_tw",) in told


def test_a_kernel_without_ipv6_has_no_such_sockets(proc):
    (proc / "net/sockstat6").unlink()
    told = read(Sockstat(), proc)
    assert ("sockstat_TCP6_inuse",) not in told
    assert ("sockstat_TCP_inuse",) in told


def test_what_is_left_to_the_thread_of_a_cpu_is_told_with_how_long_it_waited(tmp_path):
    proc = Path(shutil.copytree(LINUX_6_18, tmp_path / "proc", symlinks=True))
    line = (proc / "2/stat").read_text()
    thread = proc / "14"
    thread.mkdir()
    (thread / "stat").write_text(f"14 (ksoftirqd/1) {line.rpartition(') ')[2]}")
    (thread / "schedstat").write_text("1000000000 500000000 7\n")
    processtable.processes(proc)
    probe = Softirqs()
    read(probe, proc)
    (thread / "schedstat").write_text("3500000000 750000000 9\n")
    told = read(probe, proc)
    assert told["ksoftirqd_run_seconds_total", "1"] == pytest.approx(2.5)
    assert told["ksoftirqd_run_delay_seconds_total", "1"] == pytest.approx(0.25)
    shutil.rmtree(thread)  # the CPU was taken away
    assert ("ksoftirqd_run_seconds_total", "1") not in read(probe, proc)
