"""A service waits for a disk that somebody keeps busy.

Symptom: latency of all that reads or writes files rises and jumps; threads sit in the state D.

Cause: more is asked of the disk than it gives: by another process (a backup, a compaction, a log), or by the service
itself, with an fsync for each request or more data than fits into the page cache.

Evidence: the disk has requests under way nearly all the time, and threads of a service that serves wait for it. A
disk that is busy for a backup, with nobody who waits, is used and not saturated; so is one that the page cache is
written to in the background. PSI for I/O is no evidence: the backup counts in it as well (in a measured case 75 %
with the service fine).

Recommendation: who moves most, by name, with less weight (IOWeight=, ionice) or at another time or disk; where it is
the service itself, fewer fsyncs (one for several requests) or more memory.

Source: Documentation/admin-guide/iostats.rst; ionice(1); systemd.resource-control(5) on IOWeight=,
IOReadBandwidthMax=.
"""

from __future__ import annotations

from collections.abc import Iterator

from diagnose.correlate.rule import (
    Code,
    Evidence,
    Impact,
    Recommendation,
    RuledOut,
    Subject,
    UnitSetting,
    Unknown,
    Verdict,
    WillNotHelp,
    strength,
    supports_if,
)
from diagnose.correlate.signals.disk_load import Disk, DiskLoad, IoOf
from diagnose.correlate.words import number, percent, size

EXPLAINS = ("app.acceptor_stalled", "app.slow_reader", "network.accept_queue_overflow")

# of the time with a request under way; of disks that serve many at once a lower share says nothing
BUSY, CLEAR_BUSY = 0.7, 0.95
# threads of one service that wait for a disk, on average
WAITING, CLEAR_WAITING = 0.3, 1.0
# of all bytes moved: then it is that service's doing
MOST = 0.5
# s a request; a healthy flash disk takes a tenth, a healthy spinning one twice of it
SLOW, CLEAR_SLOW = 0.004, 0.02
# of the default of 100
LESS_WEIGHT = 10


def check(load: DiskLoad) -> list[Verdict]:
    """One verdict a service that waits."""
    disk = max(load.disks, key=lambda each: each.busy)
    if disk.busy < BUSY:
        return []
    waiting = [each for each in load.services.values() if each.listeners and each.waits >= WAITING]
    return [_verdict(each, disk, load) for each in waiting]


def _taker(load: DiskLoad) -> IoOf | None:
    most = max(load.services.values(), key=lambda each: each.bytes, default=None)
    total = sum(disk.read_bytes + disk.written_bytes for disk in load.disks)
    return most if most and total and most.bytes >= MOST * total else None


def _verdict(service: IoOf, disk: Disk, load: DiskLoad) -> Verdict:
    subject, taker = Subject(service.service, service.pids[0]), _taker(load)
    own = taker is not None and taker.service == service.service
    if own:
        who = "by itself"
    elif taker:
        pid = taker.pids[0]
        who = f"by {Subject(taker.service, pid).name} ({size(taker.bytes)}/s)"
    else:
        who = f"at {size(disk.read_bytes + disk.written_bytes)}/s"
    waits = service.waits
    return Verdict(
        subject=subject,
        headline=f"{subject.name} waits for disk {disk.device}, kept busy {percent(disk.busy)} of the time {who}",
        impact=Impact(
            min(0.9, waits),
            waits,
            "threads",
            f"{number(round(waits, 1))} of its threads wait for the disk at any time",
        ),
        evidence=tuple(_evidence(service, disk, load)),
        ruled_out=tuple(_ruled_out(service, load)),
        recommendations=tuple(_recommendations(service, taker, disk, own)),
        will_not_help=(
            WillNotHelp("vm.dirty_ratio", "it decides when the page cache is written, not how much"),
            *(() if own else (WillNotHelp("more threads in the service", "they wait in the same queue"),)),
        ),
        unknown=()
        if taker
        else (Unknown("who keeps it busy", "no watched process moves most of the bytes"),),
        explains=EXPLAINS,
    )


def _evidence(service: IoOf, disk: Disk, load: DiskLoad) -> Iterator[Evidence]:
    device, mine = (("device", disk.device),), (("service", service.service),)
    text = (
        f"disk {disk.device} had requests under way {percent(disk.busy)} of the time, "
        f"{number(round(disk.queue, 1))} at once"
    )
    clear, metric = strength(disk.busy, BUSY, CLEAR_BUSY), "disk_io_time_seconds_total"
    yield Evidence(
        "supports", "decides", text, metric, disk.busy, "ratio", BUSY, "/proc/diskstats", clear, device
    )
    waits = service.waits
    text = f"{number(round(waits, 1))} of its threads wait for a disk, on average"
    clear, metric = strength(waits, WAITING, CLEAR_WAITING), "service_threads_waiting"
    source = "/proc/PID/task/TID/syscall"
    if (service.delay or 0.0) > (service.waiting or 0.0):
        metric, source = "process_io_delay_seconds_total", "delay accounting"
    yield Evidence("supports", "decides", text, metric, waits, "threads", WAITING, source, clear, mine)
    slow = max(disk.read_wait, disk.write_wait)
    text = (
        f"a read takes {number(round(1000 * disk.read_wait, 1))} ms, a write "
        f"{number(round(1000 * disk.write_wait, 1))} ms"
    )
    clear = strength(slow, SLOW, CLEAR_SLOW)
    kind, metric = supports_if(slow >= SLOW), "disk_io_time_weighted_seconds_total"
    yield Evidence(kind, "corroborates", text, metric, slow, "s", SLOW, "/proc/diskstats", clear, device)
    if load.pressure is not None:
        text = f"some task waited for I/O {percent(load.pressure)} of the time"
        metric = "pressure_io_waiting_seconds_total"
        yield Evidence(
            "supports", "corroborates", text, metric, load.pressure, "ratio", strength=min(1.0, load.pressure)
        )


def _ruled_out(service: IoOf, load: DiskLoad) -> Iterator[RuledOut]:
    others = sum(each.waits >= WAITING for each in load.services.values()) - 1
    if others > 0:
        yield RuledOut("app.slow_dependency", f"{others} other services wait for a disk as well")
    if service.waiting is not None:
        yield RuledOut("app.slow_dependency", "its threads stand in calls on files, not on sockets")


def _recommendations(service: IoOf, taker: IoOf | None, disk: Disk, own: bool) -> Iterator[Recommendation]:
    if taker and not own:
        yield from _less_for(taker, disk)
        return
    formula = (
        f"{number(round(disk.writes))} writes/s and {number(round(disk.reads))} reads/s on {disk.device}"
    )
    what = (
        "write less often: one fsync for several requests, a log that is flushed in the background; read less: more "
        "memory for the page cache, an index"
    )
    change = Code(service.service, what)
    yield Recommendation(change, formula, "fewer waits for the disk", "medium", restart="service")


def _less_for(taker: IoOf, disk: Disk) -> Iterator[Recommendation]:
    total, pace = size(disk.read_bytes + disk.written_bytes), size(taker.bytes / 2)
    formula = f"{size(taker.bytes)}/s of the {total}/s on {disk.device} are its"
    change: UnitSetting | Code
    if taker.service.endswith(".service"):
        change = UnitSetting(taker.service, "IOWeight", "100", str(LESS_WEIGHT))
    else:
        pids = " ".join(map(str, taker.pids[:5]))
        change = Code(taker.service, f"ionice -c 3 -p {pids}, or less io.weight for its group")
    expected = "the service's requests go first, where the disk's scheduler knows weights (bfq, or io.cost)"
    yield Recommendation(change, formula, expected, "low", "it takes longer")
    what = f"half of its pace (IOReadBandwidthMax=, IOWriteBandwidthMax=: {pace}/s), another time, or another disk"
    yield Recommendation(Code(taker.service, what), formula, "no contention", "low", "it takes longer")
