"""The probes. In: the files of /proc and /sys, and netlink. Out: wire samples with the metrics each declares.

One file an area, by source: `proc/` (text files), `net/` (sockets, devices, namespaces), `cgroup/`, `ebpf/` (counts and
histograms that programs in the kernel keep), `runtime/` (languages).
The agent makes one instance of each class in `ALL` and calls it every `INTERVAL_SECONDS`.
"""

from collectors.probe import Probe
from collectors.probes.cgroup.usage import Cgroups
from collectors.probes.ebpf.accept_wait import AcceptWait
from collectors.probes.ebpf.block_io import BlockIo
from collectors.probes.ebpf.connection_sources import ConnectionSources
from collectors.probes.ebpf.dependencies import Dependencies
from collectors.probes.ebpf.dns import Dns
from collectors.probes.ebpf.go_requests import GoRequests
from collectors.probes.ebpf.http_server import HttpServer
from collectors.probes.ebpf.packet_drops import PacketDrops
from collectors.probes.ebpf.runqueue_wait import RunqueueWait
from collectors.probes.ebpf.softirq_time import SoftirqTime
from collectors.probes.ebpf.syscall_errors import SyscallErrors
from collectors.probes.ebpf.tcp_lifecycle import TcpLifecycle
from collectors.probes.ebpf.tcp_retransmits import TcpRetransmits
from collectors.probes.ebpf.tcp_rtt import TcpRtt
from collectors.probes.ebpf.tls_handshakes import TlsHandshakes
from collectors.probes.ebpf.wakeups import Wakeups
from collectors.probes.net.connections import Connections
from collectors.probes.net.conntrack import Conntrack
from collectors.probes.net.devices import Devices
from collectors.probes.net.listeners import Listeners
from collectors.probes.net.namespaces import Namespaces
from collectors.probes.net.nics import Nics
from collectors.probes.net.udp import Udp
from collectors.probes.proc.cpu import Cpu
from collectors.probes.proc.details import Details
from collectors.probes.proc.disks import Disks
from collectors.probes.proc.facts import Facts
from collectors.probes.proc.filesystems import Filesystems
from collectors.probes.proc.frequency import Frequency
from collectors.probes.proc.interrupts import Interrupts
from collectors.probes.proc.kernel import Kernel
from collectors.probes.proc.limits import Limits
from collectors.probes.proc.memory import Memory
from collectors.probes.proc.netstat import Netstat
from collectors.probes.proc.numa import Numa
from collectors.probes.proc.oom import Oom
from collectors.probes.proc.pressure import Pressure
from collectors.probes.proc.processes import Processes
from collectors.probes.proc.sockstat import Sockstat
from collectors.probes.proc.softirqs import Softirqs
from collectors.probes.proc.softnet import Softnet
from collectors.probes.proc.threads import Threads
from collectors.probes.proc.vmstat import Vmstat
from collectors.probes.proc.zoneinfo import Zoneinfo
from collectors.probes.runtime.services import Services
from collectors.probes.runtime.units import Units

# Listeners before processes: the process probe tells all that hold a listener.
ALL: tuple[type[Probe], ...] = (
    Facts,
    Cpu,
    Frequency,
    Memory,
    Vmstat,
    Zoneinfo,
    Disks,
    Filesystems,
    Kernel,
    Oom,
    Pressure,
    Softirqs,
    Softnet,
    Interrupts,
    Nics,
    Devices,
    Conntrack,
    Netstat,
    Sockstat,
    Listeners,
    Connections,
    Udp,
    Namespaces,
    Cgroups,
    Processes,
    Threads,
    Details,
    Numa,
    Services,
    Units,
    Limits,
    TcpRtt,
    TcpLifecycle,
    TcpRetransmits,
    AcceptWait,
    RunqueueWait,
    HttpServer,
    Dependencies,
    SyscallErrors,
    BlockIo,
    PacketDrops,
    Dns,
    GoRequests,
    TlsHandshakes,
    ConnectionSources,
    Wakeups,
    SoftirqTime,
)
