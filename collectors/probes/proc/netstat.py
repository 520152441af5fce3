"""Counters of the IP, TCP and UDP stacks, from /proc/net/netstat, snmp and snmp6 of a network namespace."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress

from collectors.kernel import procfs
from collectors.probe import Cost, Host, Metric, NoData
from collectors.readings import Counters, Labels, Series, gauge
from collectors.wire import Sample

TCP_EXT = """
ListenOverflows ListenDrops TCPReqQFullDoCookies TCPReqQFullDrop SyncookiesSent SyncookiesRecv SyncookiesFailed
TCPDeferAcceptDrop TCPBacklogDrop TCPMinTTLDrop TCPRcvQDrop TCPZeroWindowDrop TCPOFODrop PFMemallocDrop
TW TWRecycled TWKilled TCPTimeWaitOverflow
PruneCalled RcvPruned OfoPruned TCPRcvCollapsed TCPFromZeroWindowAdv TCPToZeroWindowAdv TCPWantZeroWindowAdv
TCPTimeouts TCPLostRetransmit TCPFastRetrans TCPSlowStartRetrans TCPSynRetrans TCPRetransFail TCPSpuriousRTOs
TCPLossProbes TCPLossProbeRecovery TCPSackRecovery TCPSackFailures TCPSACKReorder TCPTSReorder
TCPDSACKOldSent TCPDSACKRecv TCPDSACKUndo TCPOFOQueue DelayedACKs DelayedACKLocked DelayedACKLost
TCPMemoryPressures TCPMemoryPressuresChrono TCPAbortOnMemory TCPAbortOnTimeout TCPAbortOnData TCPAbortOnClose
TCPAbortOnLinger TCPAbortFailed TCPChallengeACK
"""
TCP = (
    "ActiveOpens PassiveOpens AttemptFails EstabResets InSegs OutSegs RetransSegs InErrs OutRsts InCsumErrors"
)
UDP = "InDatagrams NoPorts InErrors OutDatagrams RcvbufErrors SndbufErrors InCsumErrors MemErrors"
IP = (
    "InReceives InHdrErrors InAddrErrors InDiscards InDelivers OutRequests OutDiscards OutNoRoutes ReasmFails"
)
# Of /proc/net/snmp6, which has one line `Udp6InDatagrams 17` for each.
UDP6 = "InDatagrams NoPorts InErrors OutDatagrams RcvbufErrors SndbufErrors InCsumErrors"
IP6 = "InReceives InHdrErrors InAddrErrors InDiscards OutRequests OutDiscards OutNoRoutes ReasmFails"
READ = {
    "TcpExt": frozenset(TCP_EXT.split()),
    "Tcp": frozenset(TCP.split()),
    "Udp": frozenset(UDP.split()),
    "Ip": frozenset(IP.split()),
    "Udp6": frozenset(UDP6.split()),
    "Ip6": frozenset(IP6.split()),
}
ESTABLISHED = "netstat_Tcp_CurrEstab"


def parse(text: bytes) -> dict[tuple[str, str], int]:
    """Value by (group, key). Each group is two lines: `Tcp: key key …`, then `Tcp: value value …`."""
    lines = text.splitlines()
    found: dict[tuple[str, str], int] = {}
    for names, values in zip(lines[::2], lines[1::2], strict=False):
        group, colon, keys = names.partition(b": ")
        again, _, numbers = values.partition(b": ")
        if not colon or group != again or len(keys.split()) != len(numbers.split()):
            continue
        for key, value in zip(keys.split(), numbers.split(), strict=True):
            reading = procfs.number(value)
            if reading is not None:
                found[group.decode("ascii", "replace"), key.decode("ascii", "replace")] = reading
    return found


def parse_snmp6(text: bytes) -> dict[tuple[str, str], int]:
    """Value by (group, key), of the groups that are read here."""
    found: dict[tuple[str, str], int] = {}
    for line in text.splitlines():
        name, _, rest = line.partition(b" ")
        group, six, key = name.partition(b"6")
        value = procfs.number(rest.strip())
        if six and value is not None:
            found[f"{group.decode('ascii', 'replace')}6", key.decode("ascii", "replace")] = value
    return found


class Namespace:
    """The counters of one network namespace, read below `directory` (/proc/net or /proc/PID/net)."""

    def __init__(self, labels: Labels = ()) -> None:
        self._labels = labels
        self._counters = Counters()

    def collect(self, host: Host, directory: str) -> Iterator[Sample]:
        """NoData when neither file has a counter that is known here."""
        found = parse(procfs.need(host.proc, f"{directory}/netstat"))
        found |= parse(procfs.need(host.proc, f"{directory}/snmp"))
        with suppress(OSError):  # a kernel without IPv6
            found |= parse_snmp6(procfs.read(f"{host.proc}/{directory}/snmp6"))
        counters: dict[Series, float] = {
            (f"netstat_{group}_{key}", self._labels): value
            for (group, key), value in found.items()
            if key in READ.get(group, ())
        }
        if not counters:
            raise NoData(f"{host.proc}/{directory}/netstat and snmp have no known counter")
        yield from self._counters.points(host.now_ns, counters)
        if ("Tcp", "CurrEstab") in found:
            yield gauge(ESTABLISHED, host.now_ns, found["Tcp", "CurrEstab"], dict(self._labels))


METRICS = (
    *(
        Metric(
            f"netstat_{group}_{key}",
            "",
            f"The kernel's {group} counter {key} of a network namespace.",
            ("netns",),
            True,
        )
        for group, keys in READ.items()
        for key in sorted(keys)
    ),
    Metric(ESTABLISHED, "", "Established TCP connections.", ("netns",)),
)


class Netstat:
    """What the IP, TCP and UDP stacks of the host's own network namespace counted."""

    NAME = "netstat"
    COST: Cost = "cheap"
    INTERVAL_SECONDS = 5.0
    METRICS: tuple[Metric, ...] = METRICS

    def __init__(self) -> None:
        self._namespace = Namespace()

    def collect(self, host: Host) -> Iterator[Sample]:
        """Other namespaces are read by the probe `namespaces`."""
        yield from self._namespace.collect(host, "net")
