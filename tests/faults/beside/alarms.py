"""Which of our rules an alarm of another monitor names.

Each is read to its advantage: an alarm that names the queue, the table or the limit which overflows has named that
rule. What it is a symptom of, it does not say.
"""

from __future__ import annotations

from collections.abc import Mapping

_SATURATED = frozenset({"cpu.saturation"})
_DISK = frozenset({"disk.saturation"})
_CARD = frozenset({"network.nic_drops"})
_ACCEPT = frozenset({"network.accept_queue_overflow"})
_SYN = frozenset({"network.syn_queue_overflow"})

NETDATA: Mapping[str, frozenset[str]] = {
    "1m_tcp_accept_queue_overflows": _ACCEPT,
    "1m_tcp_accept_queue_drops": _ACCEPT,
    "1m_tcp_syn_queue_drops": _SYN,
    "1m_tcp_syn_queue_cookies": _SYN,
    "tcp_memory": frozenset({"network.tcp_memory_pressure"}),
    "tcp_orphans": frozenset({"network.orphan_sockets"}),
    "1m_ipv4_tcp_resets_sent": frozenset({"network.connection_resets"}),
    "10s_ipv4_tcp_resets_sent": frozenset({"network.connection_resets"}),
    "1m_ipv4_tcp_resets_received": frozenset({"network.connection_resets"}),
    "10s_ipv4_tcp_resets_received": frozenset({"network.connection_resets"}),
    "1min_netdev_backlog_exceeded": frozenset({"network.backlog_drops"}),
    "1min_netdev_budget_ran_outs": frozenset({"network.softirq_budget_exhausted"}),
    "1m_ipv4_udp_receive_buffer_errors": frozenset({"network.udp_receive_overflow"}),
    "netfilter_conntrack_full": frozenset({"network.conntrack_full"}),
    "inbound_packets_dropped": _CARD,
    "inbound_packets_dropped_ratio": _CARD,
    "10min_fifo_errors": _CARD,
    "10min_cpu_usage": _SATURATED,
    "load_average_1": _SATURATED,
    "load_average_5": _SATURATED,
    "load_average_15": _SATURATED,
    "20min_steal_cpu": frozenset({"cpu.steal"}),
    "cgroup_10min_cpu_usage": frozenset({"cpu.cgroup_throttling"}),
    "cgroup_ram_in_use": frozenset({"memory.cgroup_limit"}),
    "oom_kill": frozenset({"memory.oom_kill"}),
    "30min_ram_swapped_out": frozenset({"memory.swapping"}),
    "used_swap": frozenset({"memory.swapping"}),
    "10min_disk_utilization": _DISK,
    "10min_disk_backlog": _DISK,
    "disk_space_usage": frozenset({"disk.full"}),
    "disk_inode_usage": frozenset({"disk.full"}),
    "active_processes": frozenset({"limits.tasks"}),
}
PCP: Mapping[str, frozenset[str]] = {
    "network.listenoverflows": _ACCEPT,
    "network.tcpqfulldocookies": _SYN,
    "network.tcpqfulldrops": _SYN,
    "cpu.util": _SATURATED,
    "cpu.load_average": _SATURATED,
    "per_cpu.some_util": frozenset({"cpu.single_thread_bound"}),
    "per_cpu.many_util": _SATURATED,
    "cpu.context_switch": frozenset({"cpu.context_switch_storm"}),
    "memory.oom_kill": frozenset({"memory.oom_kill"}),
    "memory.exhausted": frozenset({"memory.swapping"}),
    "memory.swap_low": frozenset({"memory.swapping"}),
    "filesys.filling": frozenset({"disk.full"}),
    "filesys.vfs_files": frozenset({"limits.system_fds"}),
    "per_disk.average_queue_length": _DISK,
    "per_disk.average_wait_time": _DISK,
    "per_disk.bandwidth": _DISK,
    "per_disk.iops": _DISK,
    "per_netif.errors": _CARD,
}
NAMES: Mapping[str, Mapping[str, frozenset[str]]] = {"netdata": NETDATA, "pcp": PCP}


def named(monitor: str, alarm: str) -> frozenset[str]:
    """Empty for what no rule of ours is like."""
    return NAMES[monitor].get(alarm, frozenset())
