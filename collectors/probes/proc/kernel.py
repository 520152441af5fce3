"""Tables of the whole host that can run full: open files and tasks, with their limits."""

from __future__ import annotations

from collections.abc import Iterator

from collectors.kernel import procfs
from collectors.probe import Cost, Host, Metric, NoData
from collectors.readings import gauge
from collectors.wire import Sample


def parse_file_nr(text: bytes) -> tuple[int, int] | None:
    """(allocated, limit) of /proc/sys/fs/file-nr; what is free in between is 0 since Linux 2.6."""
    values = procfs.numbers(text)
    return (values[0], values[2]) if values and len(values) == 3 else None


def parse_tasks(text: bytes) -> int | None:
    """Tasks of the host: what stands after the slash in /proc/loadavg."""
    fields = text.split()
    return procfs.number(fields[3].partition(b"/")[2]) if len(fields) == 5 else None


class Kernel:
    """A limit far away costs nothing; near it, open() and clone() fail for everybody."""

    NAME = "kernel"
    COST: Cost = "cheap"
    INTERVAL_SECONDS = 10.0
    METRICS: tuple[Metric, ...] = (
        Metric("filefd_allocated", "", "Open files of the whole host."),
        Metric("filefd_maximum", "", "The most there can be (fs.file-max)."),
        Metric("tasks", "", "Threads of the whole host."),
        Metric("tasks_limit", "", "The smaller of kernel.threads-max and kernel.pid_max."),
    )

    def collect(self, host: Host) -> Iterator[Sample]:
        """What this kernel gives of them."""
        files = parse_file_nr(procfs.need(host.proc, "sys/fs/file-nr"))
        if files is None:
            raise NoData(f"{host.proc}/sys/fs/file-nr has not three numbers")
        yield gauge("filefd_allocated", host.now_ns, files[0])
        yield gauge("filefd_maximum", host.now_ns, files[1])
        tasks = parse_tasks(procfs.need(host.proc, "loadavg"))
        if tasks is not None:
            yield gauge("tasks", host.now_ns, tasks)
        texts = (procfs.need(host.proc, f"sys/kernel/{name}") for name in ("threads-max", "pid_max"))
        limits = [value for text in texts if (value := procfs.number(text.strip())) is not None]
        if limits:
            yield gauge("tasks_limit", host.now_ns, min(limits))
