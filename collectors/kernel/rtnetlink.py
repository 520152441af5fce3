"""Network devices and their queueing disciplines, over rtnetlink: two dumps, however many devices there are."""

from __future__ import annotations

import struct
from collections.abc import Iterator
from dataclasses import dataclass

from collectors.kernel import netlink

# include/uapi/linux/{rtnetlink,if_link,gen_stats}.h
_GET_LINK, _GET_QDISC = 18, 38
_NAME, _STATS64 = 3, 23  # IFLA_IFNAME, IFLA_STATS64
_KIND, _STATS2, _STATS_QUEUE = 1, 7, 3  # TCA_KIND, TCA_STATS2, in it TCA_STATS_QUEUE
_ROOT = 0xFFFFFFFF  # TC_H_ROOT
_LINK = struct.Struct("=BxHiII")  # ifinfomsg: family, type, index, flags, change
_TC = struct.Struct("=B3xiIII")  # tcmsg: family, index, handle, parent, info
_QUEUE = struct.Struct("=5I")  # gnet_stats_queue: qlen, backlog, drops, requeues, overlimits
# rtnl_link_stats64, up to rx_nohandler (Linux 4.6).
_STATS_TEXT = """
rx_packets tx_packets rx_bytes tx_bytes rx_errors tx_errors rx_dropped tx_dropped multicast collisions
rx_length_errors rx_over_errors rx_crc_errors rx_frame_errors rx_fifo_errors rx_missed_errors
tx_aborted_errors tx_carrier_errors tx_fifo_errors tx_heartbeat_errors tx_window_errors
rx_compressed tx_compressed rx_nohandler
"""
STATS = tuple(_STATS_TEXT.split())
_STATS = struct.Struct(f"={len(STATS)}Q")


@dataclass(frozen=True, slots=True)
class Device:
    """`stats` by the kernel's names."""

    index: int
    name: str
    stats: dict[str, int]


@dataclass(frozen=True, slots=True)
class Qdisc:
    """The root discipline of a device; one with several queues sums them up."""

    index: int
    kind: str
    length: int
    backlog_bytes: int
    drops: int
    requeues: int
    overlimits: int


class RtNetlink:
    """The devices of the network namespace that the calling thread was in when it made this."""

    def __init__(self) -> None:
        self._netlink = netlink.Netlink(netlink.ROUTE, "rtnetlink", "the kernel has no rtnetlink")
        self.close = self._netlink.close

    def devices(self) -> Iterator[Device]:
        """NoData when the kernel refuses."""
        for start, end in self._netlink.dump(_GET_LINK, _LINK.pack(0, 0, 0, 0, 0)):
            device = parse_device(self._netlink.buffer, start, end)
            if device is not None:
                yield device

    def qdiscs(self) -> Iterator[Qdisc]:
        """Of the devices that have one. NoData when the kernel refuses."""
        for start, end in self._netlink.dump(_GET_QDISC, _TC.pack(0, 0, 0, 0, 0)):
            qdisc = parse_qdisc(self._netlink.buffer, start, end)
            if qdisc is not None:
                yield qdisc


def parse_device(buffer: netlink.Buffer, start: int, end: int) -> Device | None:
    """One ifinfomsg with its attributes; None when the name or the counters are missing."""
    if end - start < _LINK.size:
        return None
    _, _, index, _, _ = _LINK.unpack_from(buffer, start)
    name, stats = "", None
    for kind, at, stop in netlink.attributes(buffer, start + _LINK.size, end):
        if kind == _NAME:
            name = _text(buffer, at, stop)
        elif kind == _STATS64 and stop - at >= _STATS.size:
            stats = dict(zip(STATS, _STATS.unpack_from(buffer, at), strict=True))
    return Device(index, name, stats) if name and stats else None


def parse_qdisc(buffer: netlink.Buffer, start: int, end: int) -> Qdisc | None:
    """One tcmsg with its attributes; None when it is not a device's root, or queues nothing."""
    if end - start < _TC.size:
        return None
    _, index, _, parent, _ = _TC.unpack_from(buffer, start)
    name, queue = "", None
    for kind, at, stop in netlink.attributes(buffer, start + _TC.size, end):
        if kind == _KIND:
            name = _text(buffer, at, stop)
        elif kind == _STATS2:
            for inner, first, last in netlink.attributes(buffer, at, stop):
                if inner == _STATS_QUEUE and last - first >= _QUEUE.size:
                    queue = _QUEUE.unpack_from(buffer, first)
    if parent != _ROOT or queue is None or name == "noqueue":
        return None
    return Qdisc(index, name, *queue)


def _text(buffer: netlink.Buffer, start: int, end: int) -> str:
    return bytes(buffer[start:end]).rstrip(b"\0").decode("utf-8", "replace")
