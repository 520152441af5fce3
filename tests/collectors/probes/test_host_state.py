"""Memory management, disks, file systems, interrupts, tables that run full: recorded, of other kernels, and live."""

from __future__ import annotations

import os
import shutil
import socket
from pathlib import Path

import pytest

from collectors.probe import NoData
from collectors.probes.net.conntrack import Conntrack
from collectors.probes.net.conntrack import parse as parse_conntrack
from collectors.probes.net.devices import Devices
from collectors.probes.net.nics import Nics
from collectors.probes.proc import disks, filesystems, interrupts, vmstat, zoneinfo
from collectors.probes.proc.disks import Disks
from collectors.probes.proc.filesystems import Filesystems
from collectors.probes.proc.frequency import Frequency
from collectors.probes.proc.interrupts import Interrupts
from collectors.probes.proc.kernel import Kernel
from collectors.probes.proc.netstat import parse_snmp6
from collectors.probes.proc.softnet import parse as parse_softnet
from collectors.probes.proc.vmstat import Vmstat
from collectors.probes.proc.zoneinfo import Zoneinfo
from collectors.wire import Fact
from tests.collectors.probes import synthetic
from tests.collectors.probes.recorded import LINUX_6_18, LIVE, SYS, host, read, values


@pytest.fixture
def proc(tmp_path: Path) -> Path:
    """A copy of the recorded tree that a test may change, as a second reading."""
    return Path(shutil.copytree(LINUX_6_18, tmp_path / "proc", symlinks=True))


def field(text: str, name: str) -> int:
    return next(int(line.split()[1]) for line in text.splitlines() if line.split()[0] == name)


def test_swapping_is_told_in_pages(proc):
    text = (proc / "vmstat").read_text()
    before = field(text, "pswpin")
    (proc / "vmstat").write_text(text.replace(f"pswpin {before}\n", f"pswpin {before + 9100}\n"))
    probe = Vmstat()
    read(probe)
    told = read(probe, proc)
    assert told["vmstat_pswpin",] == 9100
    assert told["vmstat_pswpout",] == 0


def test_what_kernels_split_up_is_summed():
    found = vmstat.parse(synthetic.vmstat_4_18())
    assert found["vmstat_allocstall", ()] == 15
    assert found["vmstat_workingset_refault", ()] == 5
    split = vmstat.parse(b"workingset_refault_anon 3\nworkingset_refault_file 4\n")
    assert split == {("vmstat_workingset_refault", ()): 7}


def test_reading_a_file_afresh_moves_the_disks_counters(tmp_path):
    probe = Disks()
    read(probe, LIVE)
    with (tmp_path / "written").open("wb") as stream:
        stream.write(os.urandom(1 << 20))
        stream.flush()
        os.fsync(stream.fileno())
    told = read(probe, LIVE)
    written = [value for key, value in told.items() if key[0] == "disk_written_bytes_total"]
    if not written:
        pytest.skip("this host has no block device")
    assert sum(written) >= 1 << 20


def test_disks_are_whole_devices_with_requests_also_on_an_old_kernel(tmp_path):
    (tmp_path / "proc").mkdir()
    (tmp_path / "proc/diskstats").write_bytes(synthetic.diskstats_4_18())
    for name in ("sda", "nvme0n1", "loop0"):
        (tmp_path / "sys/block" / name).mkdir(parents=True)
    told = values(Disks().collect(host(tmp_path / "proc", sys=tmp_path / "sys")))
    assert told == {("disk_io_now", "sda"): 3, ("disk_io_now", "nvme0n1"): 0}
    assert len(disks.parse(synthetic.diskstats_4_18())["sda"]) == 11


def test_time_of_requests_is_told_in_seconds(proc):
    line = next(text for text in (proc / "diskstats").read_text().splitlines() if " vda " in text)
    fields = line.split()
    fields[6] = str(int(fields[6]) + 2500)
    (proc / "diskstats").write_text(" ".join(fields) + "\n")
    probe = Disks()
    read(probe)
    assert read(probe, proc)["disk_read_time_seconds_total", "vda"] == 2.5


def test_the_room_of_a_file_system_is_what_statvfs_says(tmp_path):
    told = read(Filesystems(), LIVE)
    (root,) = {key[1:] for key in told if key[2] == "/"} or {()}
    if not root:
        pytest.skip("/ is no file system with room of its own here")
    found = os.statvfs("/")
    assert told["filesystem_size_bytes", *root] == found.f_blocks * found.f_frsize
    assert told["filesystem_files", *root] == found.f_files
    assert 0 < told["filesystem_avail_bytes", *root] <= told["filesystem_free_bytes", *root]


def test_mounts_that_cannot_run_full_or_may_hang_are_left_out():
    text = (
        b"/dev/sda1 / ext4 rw,relatime 0 0\n"
        b"/dev/sda1 /var/lib/docker/bind ext4 rw,relatime 0 0\n"
        b"/dev/sdb1 /mnt/my\\040disk xfs rw 0 0\n"
        b"/dev/loop3 /snap/core squashfs ro,nodev 0 0\n"
        b"files:/home /home nfs4 rw 0 0\n"
        b"tmpfs /run tmpfs rw,nosuid 0 0\n"
        b"tmpfs /run/user/1000 tmpfs rw 0 0\n"
        b"overlay /var/lib/docker/overlay2/x/merged overlay rw 0 0\n"
        b"tank/data /data zfs rw 0 0\n"
    )
    assert filesystems.parse_mounts(text) == [
        ("/dev/sda1", "/", "ext4"),
        ("/dev/sdb1", "/mnt/my disk", "xfs"),
        ("tmpfs", "/run", "tmpfs"),
        ("tank/data", "/data", "zfs"),
    ]


def test_interrupts_are_told_by_device_and_cpu(proc):
    line = next(text for text in (proc / "interrupts").read_text().splitlines() if "virtio2-input" in text)
    fields = line.split()
    text = (proc / "interrupts").read_text()
    changed = line.replace(f" {fields[2]} ", f" {int(fields[2]) + 400} ", 1)
    (proc / "interrupts").write_text(text.replace(line, changed))
    probe = Interrupts()
    read(probe)
    assert read(probe, proc)["interrupts_total", "38", "virtio2-input.0", "1"] == 400


def test_interrupts_of_256_cpus_are_bounded_and_an_offline_cpu_shifts_nothing():
    header, _, body = synthetic.interrupts_of_256_cpus().partition(b"\n")
    cpus = interrupts.parse_cpus(header)
    assert len(cpus) == 255
    counts = interrupts.parse_line(body.splitlines()[1], cpus)
    assert counts["41", "eth0-TxRx-41", "41"] == 1001
    assert counts["41", "eth0-TxRx-41", "4"] == 1
    assert interrupts.parse_line(body.splitlines()[-1], cpus) == {}


def test_the_busiest_pairs_of_interrupt_and_cpu_are_told(tmp_path):
    text = synthetic.interrupts_of_256_cpus()
    (tmp_path / "interrupts").write_bytes(text)
    probe = Interrupts()
    read(probe, tmp_path)
    (tmp_path / "interrupts").write_bytes(text.replace(b"      1001 ", b"      9001 "))
    told = read(probe, tmp_path)
    assert len(told) == interrupts.MOST_PAIRS
    assert told["interrupts_total", "50", "eth0-TxRx-50", "50"] == 8000


def test_watermarks_stand_beside_the_free_pages():
    told = read(Zoneinfo())
    assert told["zoneinfo_min_pages", "0", "DMA32"] < told["zoneinfo_low_pages", "0", "DMA32"]
    assert told["zoneinfo_nr_free_pages", "0", "DMA32"] > 0


def test_zones_of_256_cpus_and_two_nodes_are_read_from_their_heads():
    zones = zoneinfo.parse(synthetic.zoneinfo_of_256_cpus())
    expected = {"free": 5000, "min": 100, "low": 200, "high": 300, "managed": 8000}
    assert zones == {("0", "Normal"): expected, ("1", "Normal"): expected}


def test_softnet_of_256_cpus_has_each_cpus_own_number_and_backlog():
    found, waiting = parse_softnet(synthetic.softnet_of_256_cpus())
    assert found["softnet_processed_total", (("cpu", "255"),)] == 256
    assert ("softnet_processed_total", (("cpu", "3"),)) not in found
    assert waiting["255"] == 2


def test_open_files_and_tasks_have_their_limits():
    told = read(Kernel(), LIVE)
    assert 0 < told["filefd_allocated",] < told["filefd_maximum",]
    assert 0 < told["tasks",] <= told["tasks_limit",]


def test_a_full_connection_table_is_told_with_what_it_dropped(proc):
    lines = (proc / "net/stat/nf_conntrack").read_text().splitlines()
    fields = lines[1].split()
    fields[lines[0].split().index("drop")] = "00000280"
    (proc / "net/stat/nf_conntrack").write_text("\n".join([lines[0], " ".join(fields), *lines[2:]]) + "\n")
    probe = Conntrack()
    read(probe)
    told = read(probe, proc)
    assert told["nf_conntrack_stat_drop_total",] == 640
    assert told["nf_conntrack_entries_limit",] == 262_144


def test_counts_of_all_cpus_are_summed():
    text = b"entries  drop early_drop\n00000001 00000002 0000000a\n00000001 00000003 00000000\n"
    assert parse_conntrack(text) == {
        ("nf_conntrack_stat_drop_total", ()): 5,
        ("nf_conntrack_stat_early_drop_total", ()): 10,
    }


def test_a_host_that_tracks_nothing_says_so(tmp_path):
    with pytest.raises(NoData, match="nf_conntrack is not loaded"):
        read(Conntrack(), tmp_path)


def test_datagrams_of_ipv6_that_found_no_room_are_read():
    text = (LINUX_6_18 / "net/snmp6").read_bytes()
    assert ("Udp6", "RcvbufErrors") in parse_snmp6(text)
    assert parse_snmp6(b"Udp6RcvbufErrors \t 17\nnoise\n") == {("Udp6", "RcvbufErrors"): 17}


def test_packets_over_loopback_are_counted_for_its_device():
    probe = Devices()
    list(probe.collect(host(LIVE)))
    with socket.socket(type=socket.SOCK_DGRAM) as receiver, socket.socket(type=socket.SOCK_DGRAM) as sender:
        receiver.bind(("127.0.0.1", 0))
        for _ in range(20):
            sender.sendto(bytes(1000), receiver.getsockname())
    told = values(probe.collect(host(LIVE)))
    assert told["network_receive_packets_total", "lo"] >= 20
    assert told["network_transmit_bytes_total", "lo"] >= 20_000
    assert told["network_receive_drop_total", "lo"] >= 0


def facts(probe, **where: Path) -> dict[str, str]:
    return {sample.name: sample.value for sample in probe.collect(host(**where)) if isinstance(sample, Fact)}


def test_queues_masks_and_interrupts_of_a_card_are_facts_told_when_they_change(tmp_path, proc):
    sys = Path(shutil.copytree(SYS, tmp_path / "sys"))
    probe = Nics()
    found = facts(probe, proc=proc, sys=sys)
    assert found["nic.eth0.rx_queues"] == "1"
    assert found["nic.eth0.rx-0.rps_cpus"] == "0"
    assert found["irq.38.affinity"] == "0-1"
    assert not [name for name in found if name.startswith("nic.lo.")]
    (sys / "class/net/eth0/queues/rx-0/rps_cpus").write_text("3\n")
    (proc / "irq/38/effective_affinity_list").write_text("0\n")
    changed = facts(probe, proc=proc, sys=sys)
    assert changed == {"nic.eth0.rx-0.rps_cpus": "3", "irq.38.effective_affinity": "0"}


def test_a_card_tells_its_driver_and_rings():
    try:
        found = facts(Nics(), proc=LIVE)
    except NoData:
        pytest.skip("this host has no network card")
    assert [name for name in found if name.endswith(".driver")]
    assert [name for name in found if name.endswith(".rx_queues")]


def test_a_host_without_cards_is_no_data(tmp_path):
    with pytest.raises(NoData, match="only virtual devices"):
        list(Nics().collect(host(sys=tmp_path)))


@pytest.fixture
def synthetic_cpufreq(tmp_path: Path) -> Path:
    """40 CPUs with intel_pstate: kilohertz in each file (Documentation/admin-guide/pm/cpufreq.rst)."""
    for cpu in range(40):
        directory = tmp_path / f"devices/system/cpu/cpu{cpu}"
        (directory / "cpufreq").mkdir(parents=True)
        (directory / "thermal_throttle").mkdir()
        files = {"scaling_cur_freq": 1_200_000, "scaling_max_freq": 2_000_000, "cpuinfo_max_freq": 3_500_000}
        for name, kilohertz in files.items():
            (directory / "cpufreq" / name).write_text(f"{kilohertz}\n")
        (directory / "cpufreq/scaling_governor").write_text("powersave\n")
        for name in ("core_throttle_count", "package_throttle_count"):
            (directory / "thermal_throttle" / name).write_text("5\n")
    return tmp_path


def test_clock_rates_and_heat_are_told_for_some_of_the_cpus(synthetic_cpufreq):
    probe = Frequency()
    first = list(probe.collect(host(sys=synthetic_cpufreq)))
    assert [fact.value for fact in first if isinstance(fact, Fact)] == ["powersave"]
    count = synthetic_cpufreq / "devices/system/cpu/cpu0/thermal_throttle/core_throttle_count"
    count.write_text("12\n")
    told = values(probe.collect(host(sys=synthetic_cpufreq)))
    assert told["cpu_core_throttles_total", "0"] == 7
    assert told["cpu_scaling_frequency_hertz", "0"] == 1.2e9
    assert told["cpu_frequency_max_hertz", "39"] == 3.5e9
    assert len({cpu for metric, cpu in told if metric == "cpu_scaling_frequency_hertz"}) <= 16


def test_a_virtual_machine_without_clock_rates_says_so(tmp_path):
    with pytest.raises(NoData, match="usual in a virtual machine"):
        list(Frequency().collect(host(sys=tmp_path)))
