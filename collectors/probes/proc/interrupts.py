"""Which CPU handles which device's interrupts, from /proc/interrupts. The busiest pairs are told."""

from __future__ import annotations

from collections.abc import Iterator

from collectors.kernel import procfs
from collectors.probe import Cost, Host, Metric, NoData
from collectors.readings import Increases, count
from collectors.wire import Sample

METRIC = "interrupts_total"
MOST_PAIRS = 48

_Key = tuple[str, str, str]  # number, device, CPU


def parse_cpus(header: bytes) -> list[str]:
    """The CPUs of the columns: offline ones have none."""
    return [name[3:].decode() for name in header.split() if name.startswith(b"CPU") and name[3:].isdigit()]


def parse_line(line: bytes, cpus: list[str]) -> dict[_Key, float]:
    """Counts of one numbered interrupt by CPU: ` 41:  2021  0  PCI-MSIX-0000:00:04.0  1-edge  virtio3-rx`."""
    number, colon, rest = line.partition(b":")
    fields = rest.split()
    values = [procfs.number(field) for field in fields[: len(cpus)]]
    if not colon or not number.strip().isdigit() or len(values) < len(cpus) or None in values:
        return {}
    names = fields[len(cpus) :]
    device = names[-1].decode("utf-8", "replace") if names else ""
    key = (number.strip().decode(), device)
    return {(*key, cpu): value for cpu, value in zip(cpus, values, strict=True) if value}


class Interrupts:
    """Interrupts of devices; the kernel's own (timers, calls between CPUs) are left out."""

    NAME = "interrupts"
    COST: Cost = "cheap"
    INTERVAL_SECONDS = 10.0
    METRICS: tuple[Metric, ...] = (
        Metric(METRIC, "", "Interrupts that a CPU handled.", ("irq", "device", "cpu"), True),
    )

    def __init__(self) -> None:
        self._increases: Increases[_Key] = Increases()
        self._lines: dict[bytes, dict[_Key, float]] = {}

    def collect(self, host: Host) -> Iterator[Sample]:
        """A line that did not change is not parsed again: with 256 CPUs the file has hundreds of kilobytes."""
        header, _, body = procfs.need(host.proc, "interrupts").partition(b"\n")
        cpus = parse_cpus(header)
        if not cpus:
            raise NoData(f"{host.proc}/interrupts has no column of a CPU")
        lines = {}
        for line in body.splitlines():
            known = self._lines.get(line)
            lines[line] = parse_line(line, cpus) if known is None else known
        self._lines = lines
        readings = {key: value for values in lines.values() for key, value in values.items()}
        told = sorted(self._increases.since_last(readings).items(), key=lambda item: item[1], reverse=True)
        for (irq, device, cpu), increase in told[:MOST_PAIRS]:
            yield count(METRIC, host.now_ns, increase, {"irq": irq, "device": device, "cpu": cpu})
