"""Files of kernels and machines that are not at hand, written as their source writes them."""

from __future__ import annotations

CPUS_256 = range(256)


def vmstat_4_18() -> bytes:
    """allocstall by zone and one workingset_refault (mm/vmstat.c, v4.18: vmstat_text); no compact_success yet."""
    return b"""nr_free_pages 100
pgpgin 10
pswpin 3
allocstall_dma 1
allocstall_dma32 2
allocstall_normal 4
allocstall_movable 8
pgscan_direct 7
workingset_refault 5
oom_kill 1
"""


def diskstats_4_18() -> bytes:
    """Eleven numbers (diskstats_show, block/genhd.c, v4.18): discards came with 4.19, flushes with 5.5."""
    return (
        b"   8       0 sda 100 0 800 50 200 0 1600 100 3 70 150\n"
        b"   8       1 sda1 90 0 720 45 200 0 1600 100 0 70 145\n"
        b" 259       0 nvme0n1 10 0 80 5 0 0 0 0 0 5 5\n"
        b"   7       0 loop0 0 0 0 0 0 0 0 0 0 0 0\n"
    )


def interrupts_of_256_cpus() -> bytes:
    """A column of ten digits for each CPU (show_interrupts, kernel/irq/proc.c); CPU 3 is offline and has none."""
    online = [cpu for cpu in CPUS_256 if cpu != 3]
    header = "           " + "".join(f"CPU{cpu:<8d}" for cpu in online)
    rows = []
    for irq in range(40, 60):
        counts = "".join(f"{(cpu == irq) * 1000 + 1:10d} " for cpu in online)
        rows.append(f"{irq:4d}: {counts} PCI-MSI {irq}-edge eth0-TxRx-{irq}")
    summed = " LOC: " + "".join(f"{7:10d} " for _ in online) + "  Local timer interrupts"
    return "\n".join([header, *rows, summed, " ERR:          0", ""]).encode()


def zoneinfo_of_256_cpus() -> bytes:
    """A block for each CPU follows the watermarks (zoneinfo_show_print, mm/vmstat.c, v6.1)."""
    pagesets = "".join(
        f"    cpu: {cpu}\n              count: 1\n              high:  999\n" for cpu in CPUS_256
    )
    zone = (
        "Node {node}, zone   Normal\n  pages free     5000\n        boost    0\n        min      100\n"
        "        low      200\n        high     300\n        spanned  9000\n        managed  8000\n"
        "  pagesets\n" + pagesets + "  start_pfn:           4096\n"
    )
    empty = "".join(f"        {name:8} 0\n" for name in ("min", "low", "high", "managed"))
    empty = f"Node 0, zone  Movable\n  pages free     0\n{empty}"
    return (zone.replace("{node}", "0") + empty + zone.replace("{node}", "1")).encode()


def softnet_of_256_cpus() -> bytes:
    """Fifteen columns of eight digits since v6.4 (softnet_seq_show, net/core/net-procfs.c); CPU 3 is offline."""
    rows = [[cpu + 1, *[0] * 10, 2, cpu, 0, 2] for cpu in CPUS_256 if cpu != 3]
    return "".join(" ".join(f"{value:08x}" for value in row) + "\n" for row in rows).encode()


def two_nodes() -> dict[str, bytes]:
    """Files below /sys/devices/system/node (drivers/base/node.c, v6.1: node_read_meminfo, node_read_numastat)."""
    found: dict[str, bytes] = {"online": b"0-1\n"}
    for node, (cpus, free, foreign) in enumerate((("0,2", 8 << 20, 0), ("1,3", 1 << 20, 700))):
        found[f"node{node}/meminfo"] = (
            f"Node {node} MemTotal:       {32 << 20} kB\nNode {node} MemFree:        {free} kB\n"
            f"Node {node} HugePages_Total:     0\n"
        ).encode()
        found[f"node{node}/numastat"] = (
            f"numa_hit 9000\nnuma_miss {700 - foreign}\nnuma_foreign {foreign}\n"
            "interleave_hit 30\nlocal_node 8000\nother_node 1700\n"
        ).encode()
        found[f"node{node}/cpulist"] = f"{cpus}\n".encode()
        found[f"node{node}/distance"] = b"10 21\n" if node == 0 else b"21 10\n"
    return found


def numa_maps() -> bytes:
    """Small and huge pages on two nodes (show_numa_map, fs/proc/task_mmu.c, v6.1)."""
    return (
        b"55d0c0000000 default file=/usr/bin/python3.11 mapped=8 mapmax=2 N0=3 N1=5 kernelpagesize_kB=4\n"
        b"7f0000000000 prefer:0 anon=2 dirty=2 N0=2 kernelpagesize_kB=2048\n"
        b"7ffd00000000 default stack anon=1 dirty=1\n"
    )


KERNELS = ("4.18", "5.10", "5.15", "6.1", "6.12")


def softnet(kernel: str) -> bytes:
    """Two lines of softnet_seq_show (net/core/net-procfs.c), of CPU 0 and 2: CPU 1 is offline.

    v5.10 (7d58e6555870) added the length of the backlog and the CPU, v6.4 the lengths of its two queues.
    """
    more = {"4.18": 0, "5.10": 2, "5.15": 2, "6.1": 2, "6.12": 4}[kernel]
    rows = []
    for cpu in (0, 2):
        row = [0x100 + cpu, 0x10 + cpu, 1 + cpu, 0, 0, 0, 0, 0, 0, 7, 0, *[5 + cpu, cpu, 2, 3 + cpu][:more]]
        rows.append(" ".join(f"{value:08x}" for value in row))
    return "\n".join(rows).encode() + b"\n"


def pressure(kernel: str) -> dict[str, bytes]:
    """Files of psi_show (kernel/sched/psi.c); none before v4.20.

    v5.13 (e7fcd7622823) added `full` of cpu, v6.1 (52b1364ba0b1) the file irq, which has `full` only.
    """
    version = tuple(map(int, kernel.split(".")))
    if version < (4, 20):
        return {}
    some, full = (
        f"{kind} avg10=0.12 avg60=0.00 avg300=0.00 total=2500000\n".encode() for kind in ("some", "full")
    )
    files = {"cpu": some, "io": some + full, "memory": some + full}
    if version >= (5, 13):
        files["cpu"] += full
    return files | ({"irq": full} if version >= (6, 1) else {})


def vmstat(kernel: str) -> bytes:
    """vmstat_text (mm/vmstat.c): v5.9 (170b04b7ae49) split workingset_refault by kind of page."""
    if kernel == "4.18":
        return vmstat_4_18()
    split = b"workingset_refault_anon 2\nworkingset_refault_file 3\n"
    return vmstat_4_18().replace(b"workingset_refault 5\n", split)
