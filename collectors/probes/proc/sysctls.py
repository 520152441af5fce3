"""The kernel settings that advice is given on; each is a fact `sysctl.<name>`."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from collectors.kernel import procfs

_GROUPS = {
    "net.core": """
        somaxconn netdev_max_backlog netdev_budget netdev_budget_usecs dev_weight rmem_default rmem_max wmem_default
        wmem_max optmem_max rps_sock_flow_entries flow_limit_cpu_bitmap busy_poll busy_read default_qdisc""",
    "net.ipv4": """
        tcp_max_syn_backlog tcp_syncookies tcp_synack_retries tcp_syn_retries tcp_abort_on_overflow
        ip_local_port_range ip_local_reserved_ports tcp_tw_reuse tcp_max_tw_buckets tcp_fin_timeout tcp_timestamps
        tcp_sack tcp_window_scaling tcp_moderate_rcvbuf tcp_rmem tcp_wmem tcp_mem udp_mem udp_rmem_min
        tcp_congestion_control tcp_available_congestion_control tcp_keepalive_time tcp_keepalive_intvl
        tcp_keepalive_probes tcp_max_orphans tcp_orphan_retries tcp_retries2 tcp_slow_start_after_idle tcp_fastopen
        tcp_notsent_lowat tcp_limit_output_bytes tcp_mtu_probing tcp_ecn tcp_early_retrans tcp_recovery""",
    "net.netfilter": """
        nf_conntrack_max nf_conntrack_buckets nf_conntrack_tcp_timeout_established nf_conntrack_tcp_timeout_time_wait
        nf_conntrack_udp_timeout""",
    "fs": "file-max nr_open aio-max-nr inotify.max_user_watches inotify.max_user_instances pipe-max-size",
    "kernel": """
        pid_max threads-max sched_rt_runtime_us sched_rt_period_us numa_balancing perf_event_paranoid task_delayacct
        yama.ptrace_scope unprivileged_bpf_disabled kptr_restrict""",
    "vm": """
        swappiness min_free_kbytes watermark_scale_factor overcommit_memory overcommit_ratio dirty_ratio
        dirty_background_ratio dirty_bytes dirty_background_bytes max_map_count zone_reclaim_mode
        vfs_cache_pressure""",
}
SYSCTLS = tuple(f"{group}.{name}" for group, names in _GROUPS.items() for name in names.split())


def read_all(root: Path) -> Iterator[tuple[str, str]]:
    """(name, value) of those this kernel has and this user may read; a list of numbers is joined by one blank."""
    for name in SYSCTLS:
        try:
            text = procfs.read(f"{root}/sys/{name.replace('.', '/')}")
        except OSError:
            continue
        yield name, " ".join(text.decode("utf-8", "replace").split())
