"""Sockets in use by protocol and state, from /proc/net/sockstat and sockstat6."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress

from collectors.kernel import procfs
from collectors.probe import Cost, Host, Metric, NoData
from collectors.readings import gauge
from collectors.wire import Sample

# TCP inuse leaves out dual-stack listeners and what they accepted: those are in TCP6.
READ = {
    "sockets_used": "Sockets of any kind.",
    "TCP_inuse": "IPv4 TCP sockets in use, listeners included.",
    "TCP_orphan": "TCP sockets that no process holds any more (whole machine).",
    "TCP_tw": "Connections in TIME_WAIT, IPv4 and IPv6.",
    "TCP_alloc": "TCP sockets allocated, in any state (whole machine).",
    "TCP_mem": "Memory of TCP buffers, in pages (whole machine).",
    "UDP_inuse": "IPv4 UDP sockets.",
    "UDP_mem": "Memory of UDP buffers, in pages (whole machine).",
    "TCP6_inuse": "IPv6 TCP sockets in use, dual-stack ones included.",
    "UDP6_inuse": "IPv6 UDP sockets.",
}


def parse(text: bytes) -> dict[str, int]:
    """Value by `<protocol>_<field>`, from lines such as `TCP: inuse 1 orphan 0 tw 0 alloc 1 mem 160`."""
    found = {}
    for line in text.splitlines():
        protocol, _, rest = line.partition(b":")
        fields = rest.split()
        for field, text_value in zip(fields[::2], fields[1::2], strict=False):
            key = f"{protocol.decode('ascii', 'replace')}_{field.decode('ascii', 'replace')}"
            value = procfs.number(text_value)
            if key in READ and value is not None:
                found[key] = value
    return found


class Sockstat:
    """How many sockets there are, and what their buffers take."""

    NAME = "sockstat"
    COST: Cost = "cheap"
    INTERVAL_SECONDS = 5.0
    METRICS = tuple(Metric(f"sockstat_{key}", "", help) for key, help in READ.items())

    def collect(self, host: Host) -> Iterator[Sample]:
        """IPv6 only where the kernel has it."""
        found = parse(procfs.need(host.proc, "net/sockstat"))
        with suppress(OSError):
            found |= parse(procfs.read(f"{host.proc}/net/sockstat6"))
        if not found:
            raise NoData(f"{host.proc}/net/sockstat has none of the known fields")
        for key, value in found.items():
            yield gauge(f"sockstat_{key}", host.now_ns, value)
