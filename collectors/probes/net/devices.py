"""Packets, bytes, errors and drops of network devices, and of the queues in front of them, over rtnetlink."""

from __future__ import annotations

from collections.abc import Iterator

from collectors.kernel.rtnetlink import Device, Qdisc, RtNetlink
from collectors.probe import Cost, Host, Metric
from collectors.readings import Counters, Series, gauge
from collectors.wire import Sample

COUNTED = {
    "rx_bytes": ("network_receive_bytes_total", "B", "Received."),
    "rx_packets": ("network_receive_packets_total", "", "Packets received."),
    "rx_errors": ("network_receive_errs_total", "", "Packets received with errors."),
    "rx_dropped": ("network_receive_drop_total", "", "Dropped by the kernel, unknown protocols included."),
    "rx_fifo_errors": ("network_receive_fifo_total", "", "Overflows of the device's FIFO."),
    "rx_missed_errors": ("network_receive_missed_errors_total", "", "Missed: the ring had no room."),
    "rx_nohandler": ("network_receive_nohandler_total", "", "Packets of protocols that nobody wants."),
    "tx_bytes": ("network_transmit_bytes_total", "B", "Sent."),
    "tx_packets": ("network_transmit_packets_total", "", "Packets sent."),
    "tx_errors": ("network_transmit_errs_total", "", "Packets that could not be sent."),
    "tx_dropped": ("network_transmit_drop_total", "", "Dropped before they were sent."),
}
_QDISC = ("device", "qdisc")
# A host with hundreds of containers has a veth for each: the busiest are told.
MOST_DEVICES = 32


class Devices:
    """The host's own devices; those that never had a packet are left out."""

    NAME = "devices"
    COST: Cost = "cheap"
    INTERVAL_SECONDS = 10.0
    METRICS: tuple[Metric, ...] = (
        *(Metric(name, unit, text, ("device",), True) for name, unit, text in COUNTED.values()),
        Metric("qdisc_drops_total", "", "Packets that the queueing discipline dropped.", _QDISC, True),
        Metric("qdisc_requeues_total", "", "Packets the device did not take at once.", _QDISC, True),
        Metric("qdisc_overlimits_total", "", "Packets that a rate limit held back.", _QDISC, True),
        Metric("qdisc_current_queue_length", "", "Packets that wait.", _QDISC),
        Metric("qdisc_backlog_bytes", "B", "Bytes that wait.", _QDISC),
    )

    def __init__(self) -> None:
        self._rtnetlink: RtNetlink | None = None
        self._counters = Counters()

    def collect(self, host: Host) -> Iterator[Sample]:
        """Counters of the busiest devices and their root disciplines."""
        devices, qdiscs = self._read()
        readings: dict[Series, float] = {}
        for device in devices:
            for field, (metric, _, _) in COUNTED.items():
                readings[metric, (("device", device.name),)] = device.stats[field]
        names = {device.index: device.name for device in devices}
        for qdisc in qdiscs:
            if qdisc.index in names:
                labels = {"device": names[qdisc.index], "qdisc": qdisc.kind}
                series = tuple(labels.items())
                readings["qdisc_drops_total", series] = qdisc.drops
                readings["qdisc_requeues_total", series] = qdisc.requeues
                readings["qdisc_overlimits_total", series] = qdisc.overlimits
                yield gauge("qdisc_current_queue_length", host.now_ns, qdisc.length, labels)
                yield gauge("qdisc_backlog_bytes", host.now_ns, qdisc.backlog_bytes, labels)
        yield from self._counters.points(host.now_ns, readings)

    def _read(self) -> tuple[list[Device], list[Qdisc]]:
        if self._rtnetlink is None:
            self._rtnetlink = RtNetlink()
        try:
            used = [device for device in self._rtnetlink.devices() if _packets(device)]
            qdiscs = list(self._rtnetlink.qdiscs())
        except BaseException:
            self._rtnetlink.close()
            self._rtnetlink = None
            raise
        return sorted(used, key=_packets, reverse=True)[:MOST_DEVICES], qdiscs


def _packets(device: Device) -> int:
    return device.stats["rx_packets"] + device.stats["tx_packets"]
