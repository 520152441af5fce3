"""How far each kernel parameter may be raised on a machine of that size."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from diagnose.findings.advice.bounds.bound import Bound, of_memory
from diagnose.findings.advice.machine import Machine

_GIB = 1 << 30
# A number beyond which the kernel's own int would overflow.
_INT = (1 << 31) - 1


def _memory(share: float, each_bytes: float, most: int, what: str) -> Callable[[Machine], Bound]:
    return lambda machine: of_memory(machine, share, each_bytes, most, what)


def _fixed(highest: int, why: str) -> Callable[[Machine], Bound]:
    return lambda _: Bound(highest, why)


def _packets(machine: Machine) -> Bound:
    """Each CPU has such a queue of its own; a small packet takes 768 B with its sk_buff, a full one 2.3 kB."""
    return of_memory(machine, 0.02, 2304 * (machine.cpus or 1), 300_000, "packets in the queues of all CPUs")


def _swappiness(machine: Machine) -> Bound:
    """Above 100 since Linux 5.8 (mm/vmscan.c, c843966c556d)."""
    new = machine.kernel is not None and machine.kernel >= (5, 8)
    return Bound(200 if new else 100, "the kernel takes no more")


# Bytes are what one entry takes of kernel memory that cannot be swapped.
SYSCTLS: Mapping[str, Callable[[Machine], Bound]] = {
    # A request in the queue with its socket: struct tcp_sock is about 2.4 kB.
    "net.core.somaxconn": _memory(0.05, 4096, 65_535, "connections in a queue"),
    "net.ipv4.tcp_max_syn_backlog": _memory(0.02, 512, 262_144, "half-open connections"),
    "net.core.netdev_max_backlog": _packets,
    "net.core.netdev_budget": _fixed(2400, "threads would wait longer than a scheduler's slice"),
    # Two ticks at 100 Hz, which is the kernel's own default there (net/core/dev.c).
    "net.core.netdev_budget_usecs": _fixed(20_000, "threads would wait longer than two ticks"),
    "net.core.rmem_max": _memory(1 / 64, 1, _GIB, "one receive buffer"),
    "net.core.wmem_max": _memory(1 / 64, 1, _GIB, "one send buffer"),
    "net.core.rmem_default": _memory(1 / 256, 1, 16 << 20, "each receive buffer"),
    "net.core.wmem_default": _memory(1 / 256, 1, 16 << 20, "each send buffer"),
    "net.core.rps_sock_flow_entries": _memory(0.001, 4, 1 << 20, "flows"),
    # struct inet_timewait_sock with its bind bucket
    "net.ipv4.tcp_max_tw_buckets": _memory(0.05, 320, 2_000_000, "connections in TIME_WAIT"),
    # "Each orphan eats up to ~64K of unswappable memory" is the warning of Documentation/networking/ip-sysctl.rst.
    "net.ipv4.tcp_max_orphans": _memory(0.25, 64 << 10, 262_144, "orphans"),
    "net.ipv4.tcp_fin_timeout": _fixed(600, "sockets would stay for minutes"),
    "net.ipv4.tcp_tw_reuse": _fixed(2, "the kernel takes 0, 1 and 2"),
    "net.ipv4.tcp_syncookies": _fixed(2, "the kernel takes 0, 1 and 2"),
    # struct nf_conn with its extensions is about 320 B, on two hash chains.
    "net.netfilter.nf_conntrack_max": _memory(0.1, 384, 16_000_000, "tracked connections"),
    "net.netfilter.nf_conntrack_buckets": _memory(0.02, 8, 4_000_000, "buckets"),
    # struct file with its inode and dentry: Documentation/admin-guide/sysctl/fs.rst takes 1 kB, and 10 % is the
    # kernel's own default.
    "fs.file-max": _memory(0.25, 1024, _INT, "open files"),
    "fs.nr_open": _fixed(1 << 30, "the kernel takes no more"),
    "fs.aio-max-nr": _memory(0.02, 256, 4 << 20, "requests"),
    "fs.inotify.max_user_watches": _memory(0.01, 1080, 1 << 20, "watches"),
    "fs.inotify.max_user_instances": _fixed(8192, "instances take a file each"),
    # FUTEX_TID_MASK and PID_MAX_LIMIT bound them; a kernel stack is 16 kB.
    "kernel.threads-max": _memory(0.125, 16 << 10, 4 << 20, "threads' stacks"),
    "kernel.pid_max": _fixed(4 << 20, "the kernel takes no more (PID_MAX_LIMIT)"),
    "kernel.sched_rt_runtime_us": _fixed(950_000, "ordinary tasks need a part of each second"),
    "vm.max_map_count": _memory(0.02, 200, 16 << 20, "mappings of one process"),
    "vm.swappiness": _swappiness,
    "vm.min_free_kbytes": _memory(0.05, 1024, 8 << 20, "kB that nobody may use"),
    "vm.watermark_scale_factor": _fixed(1000, "a tenth of memory would stay free"),
    "vm.dirty_background_ratio": _fixed(50, "dirty pages would fill memory"),
    "vm.dirty_ratio": _fixed(60, "dirty pages would fill memory"),
}
