"""Whom the kernel killed for want of memory, from its log: the counters of memory.events and vmstat tell no names.

Records are told once, from when the collector began on; what a user wrote into the log is none of the kernel's.
"""

from __future__ import annotations

import os
import re
from collections import Counter
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from collectors.probe import Cost, Host, Metric, NoData
from collectors.processes import watched, workload
from collectors.readings import Labels, count, gauge
from collectors.wire import Sample

KILLS, MEMORY = "oom_kills_total", "oom_victim_resident_bytes"
_LABELS = ("service", "name", "pid", "cgroup", "scope")
LOG = Path("/dev/kmsg")
_RECORD_BYTES = 8192  # CONSOLE_EXT_LOG_MAX, kernel/printk/printk.c
# In one pass; the ring holds more, and the rest comes with the next.
_MOST_RECORDS = 4000
_FACILITY = 8  # a record begins with priority + 8 × facility, and the kernel's facility is 0
# dump_oom_summary, oom_kill_process and __oom_kill_process, mm/oom_kill.c: whom it chose, and that he was killed.
# The first is there since Linux 4.20 (ef8444ea01d7), the second was before 5.3.
_CHOSEN = re.compile(r"oom-kill:constraint=CONSTRAINT_(\w+),.*task_memcg=([^,]*),task=.*,pid=(\d+),uid=")
_CHOSEN_BEFORE = re.compile(r"(Memory cgroup out|Out) of memory:() Kill process (\d+) ")
_LIMITED = ("MEMCG", "Memory cgroup out")
_KILLED = re.compile(
    r"(?:.*: )?Killed process (\d+) \((.*)\),? total-vm:\d+kB, anon-rss:(\d+)kB, file-rss:(\d+)kB"
    r"(?:, shmem-rss:(\d+)kB)?"
)


@dataclass(frozen=True, slots=True)
class Victim:
    """`cgroup` is '' where the kernel did not tell it; `limited` when its group's limit was hit, not the host's."""

    pid: int
    name: str
    cgroup: str
    limited: bool
    resident_bytes: int


class Parser:
    """The lines of one kill come apart; what was said of the one before is remembered until the next."""

    def __init__(self) -> None:
        self._chosen = ("", False)

    def victim(self, record: bytes) -> Victim | None:
        """Of a record `priority,sequence,microseconds,flags;text`; None for all that tells of no kill."""
        head, _, text = record.decode("utf-8", "replace").partition(";")
        priority = head.partition(",")[0]
        if not priority.isdecimal() or int(priority) >= _FACILITY:
            return None
        line = text.partition("\n")[0]
        if chosen := _CHOSEN.match(line) or _CHOSEN_BEFORE.match(line):
            self._chosen = chosen[2], chosen[1] in _LIMITED
        killed = _KILLED.match(line)
        if killed is None:
            return None
        kilobytes = sum(int(part or 0) for part in killed.groups()[2:])
        return Victim(int(killed[1]), killed[2], *self._chosen, kilobytes * 1024)


class Oom:
    """NoData where the kernel's log may not be read."""

    NAME = "oom"
    COST: Cost = "cheap"
    INTERVAL_SECONDS = 5.0
    METRICS: tuple[Metric, ...] = (
        Metric(
            KILLS,
            "",
            "Processes that the kernel killed for want of memory, by scope host or cgroup.",
            _LABELS,
            True,
        ),
        Metric(MEMORY, "B", "Memory that the victim had in RAM.", _LABELS),
    )

    def __init__(self, log: Path = LOG) -> None:
        self._log = log
        self._descriptor = -1
        self._parser = Parser()
        # Who is gone can be asked nothing any more: whose each process was in the last two passes.
        self._services: dict[int, str] = {}
        self._before: dict[int, str] = {}

    def collect(self, host: Host) -> Iterator[Sample]:
        """Nothing while nobody is killed."""
        self._before, self._services = self._services, _services(host.proc)
        if self._descriptor < 0:
            self._open()
        kills: Counter[Labels] = Counter()
        memory: dict[Labels, int] = {}
        for victim in filter(None, map(self._parser.victim, self._records())):
            labels = self._labels(host, victim)
            kills[labels] += 1
            memory[labels] = victim.resident_bytes
        for labels, number in kills.items():
            yield count(KILLS, host.now_ns, number, dict(labels))
            yield gauge(MEMORY, host.now_ns, memory[labels], dict(labels))

    def _open(self) -> None:
        try:
            self._descriptor = os.open(self._log, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
        except OSError as error:
            raise NoData(
                f"{self._log} cannot be read ({error.strerror}), so victims of the OOM killer have no names: "
                "run the collector as root or with CAP_SYSLOG"
            ) from None
        os.lseek(self._descriptor, 0, os.SEEK_END)

    def _records(self) -> Iterator[bytes]:
        """Those that are new: each read gives one."""
        for _ in range(_MOST_RECORDS):
            try:
                yield os.read(self._descriptor, _RECORD_BYTES)
            except BlockingIOError:
                return
            except (
                BrokenPipeError
            ):  # some were overwritten before they were read; the next is the oldest there is
                continue

    def _labels(self, host: Host, victim: Victim) -> Labels:
        service = (
            self._services.get(victim.pid)
            or self._before.get(victim.pid)
            or workload.name({"": victim.cgroup}, {}, host.proc)
            or victim.name
        )
        scope = "cgroup" if victim.limited else "host"
        named = zip(_LABELS, (service, victim.name, str(victim.pid), victim.cgroup, scope), strict=True)
        return tuple((name, value) for name, value in named if value)

    def __del__(self) -> None:
        with suppress(OSError):
            os.close(self._descriptor)


def _services(root: Path) -> dict[int, str]:
    return {process.pid: process.service for process in watched.of(root).processes or ()}
