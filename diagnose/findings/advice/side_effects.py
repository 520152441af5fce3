"""What else a well-known setting moves, and what right it takes to set it."""

from __future__ import annotations

from collections.abc import Mapping

from diagnose.correlate.change import (
    Backlog,
    CardQueues,
    Change,
    Code,
    CpuQuota,
    Inspect,
    InterruptAffinity,
    MemoryLimit,
    OpenFiles,
    PacketSteering,
    RingSize,
    Setting,
    Sysctl,
    TaskLimit,
    UnitSetting,
    Variable,
    Workers,
)
from diagnose.correlate.fit import Place
from diagnose.findings.advice.place import is_namespaced

# By the beginning of the parameter's name.
_OF_SYSCTLS: Mapping[str, str] = {
    "net.core.somaxconn": "every listener that calls listen() from now on may queue as many: overload shows later, as "
    "latency",
    "net.core.netdev_max_backlog": "packets wait longer under load instead of being dropped; each CPU has such a queue",
    "net.core.netdev_budget": "threads wait longer for a CPU that receives",
    "net.core.rmem_max": "every program may ask for receive buffers of that size",
    "net.core.wmem_max": "every program may ask for send buffers of that size",
    "net.ipv4.tcp_rmem": "every connection's receive buffer may grow so far: see TCP memory (tcp_mem)",
    "net.ipv4.tcp_wmem": "every connection's send buffer may grow so far: see TCP memory (tcp_mem)",
    "net.ipv4.tcp_mem": "memory that TCP takes is not there for the page cache and programs",
    "net.ipv4.tcp_max_tw_buckets": "more ports of the host's range may wait",
    "net.ipv4.ip_local_port_range": "listeners inside the new range compete with outgoing connections: see "
    "ip_local_reserved_ports",
    "net.ipv4.tcp_congestion_control": "every new connection of the namespace uses it, to all destinations",
    "net.netfilter.nf_conntrack": "kernel memory, and longer walks over the table when it is listed",
    "fs.file-max": "kernel memory for each file that is then open",
    "vm.min_free_kbytes": "that memory is nobody's",
    "vm.swappiness": "the balance between the page cache and programs' memory shifts for all services",
}
_OF_TYPES: Mapping[type, str] = {
    Backlog: "clients wait in the queue rather than try again: lasting overload shows as latency, not as refusals",
    OpenFiles: "as many files or connections may be open before anybody notices a leak",
    Workers: "memory, connections to databases and file descriptors in proportion to their number",
    CpuQuota: "other groups on the host get that much less CPU when it is short",
    TaskLimit: "a leak of threads takes that much more memory before it is stopped",
    MemoryLimit: "that much less memory for the page cache and other groups",
    PacketSteering: "a few µs and an interrupt between CPUs for each packet",
    InterruptAffinity: "irqbalance, where it runs, moves it again: ban the interrupt there",
    CardQueues: "the card's link goes down for a moment while its queues are made anew",
    RingSize: "the card's link goes down for a moment; packets may wait longer under load",
}


def side_effects(change: Change, place: Place) -> tuple[str, ...]:
    """Of the setting itself, and of where it is made."""
    found = [text for text in (_of_setting(change), _of_place(change, place)) if text]
    return tuple(found)


def _of_setting(change: Change) -> str:
    if isinstance(change, Sysctl):
        return next((text for name, text in _OF_SYSCTLS.items() if change.name.startswith(name)), "")
    return _OF_TYPES.get(type(change), "")


def _of_place(change: Change, place: Place) -> str:
    if not isinstance(change, Sysctl) or not (place.container or place.netns):
        return ""
    if is_namespaced(change.name):
        return (
            "it is a setting of the container's network namespace: the host's own value does not count there"
        )
    return "it is the whole machine's: all its containers get it"


def right_needed(change: Change, place: Place) -> str:
    """Who may make the change, in words."""
    match change:
        case Sysctl(name) if place.container or place.netns:
            if is_namespaced(name):
                return "root on the host, or whoever starts the container: inside, /proc/sys is read-only"
            return "root on the host: no container may set it for itself"
        case Sysctl() | PacketSteering() | InterruptAffinity() | CardQueues() | RingSize() | UnitSetting():
            return "root on the host"
        case OpenFiles() | CpuQuota() | TaskLimit() | MemoryLimit():
            if place.container:
                return "whoever starts the container: its limits come from outside"
            return "root on the host"
        case Backlog() | Workers() | Variable() | Setting():
            return "whoever configures and restarts the program"
        case Code():
            return "whoever releases the program"
        case Inspect():
            return "root on the host, to see other users' processes"
