"""A file system runs out of room, or of inodes.

Symptom: "No space left on device", also with bytes to spare (then the inodes are used up); databases stop accepting
writes; logs end.

Cause: something writes faster than it is cleaned up: logs, temporary files, an old deployment, a queue's spool. Many
small files use up the inodes first.

Evidence: what is left for ordinary users, and how long it lasts at the pace of the window. A large file system that
is mostly full and does not grow is no finding.

Recommendation: what grew, found by size or by number of files, and log rotation where that is it; then more room.
Files that were deleted while somebody has them open keep their room until they are closed.

Source: statvfs(3) (f_bavail, f_favail); ext4's reserved blocks in tune2fs(8).
"""

from __future__ import annotations

from collections.abc import Iterator

from diagnose.correlate.rule import (
    Code,
    Evidence,
    Impact,
    Inspect,
    Recommendation,
    Subject,
    Verdict,
    WillNotHelp,
    strength,
)
from diagnose.correlate.signals.filesystems import Filesystem, Filesystems, Room
from diagnose.correlate.words import duration, number, percent, size

EXPLAINS: tuple[str, ...] = ()

# of it left: writes fail now or with the next file, whatever the pace
GONE = 0.01
# of it left, and s until it is gone at this pace: a forecast from two minutes is worth an hour
NEAR, SOON_SECONDS, URGENT_SECONDS = 0.2, 3600.0, 600.0
# bytes; a small file system with that much left is not full, whatever its share
ENOUGH_BYTES = 10 * 1024.0**3
# of steps that do not fall
STEADY = 0.6


def check(filesystems: Filesystems) -> list[Verdict]:
    """One verdict a file system, for what ends first."""
    found = []
    for each in filesystems.found:
        rooms = [(each.bytes, "bytes"), *(((each.inodes, "inodes"),) if each.inodes else ())]
        short = [(room, what) for room, what in rooms if _is_short(room, what)]
        if short:
            found.append(_verdict(each, *min(short, key=lambda one: one[0].share)))
    return found


def _is_short(room: Room, what: str) -> bool:
    if room.share <= GONE and not (what == "bytes" and room.free >= ENOUGH_BYTES):
        return True
    seconds = _seconds_left(room)
    return room.share <= NEAR and seconds is not None and seconds <= SOON_SECONDS


def _seconds_left(room: Room) -> float | None:
    """At the median pace; None where it does not grow steadily."""
    growth = room.growth
    if growth is None or growth.low <= 0 or growth.steady < STEADY:
        return None
    return room.free / growth.per_second


def _amount(value: float, what: str) -> str:
    return size(value) if what == "bytes" else f"{number(round(value))} inodes"


def _verdict(disk: Filesystem, room: Room, what: str) -> Verdict:
    gone, seconds = room.share <= GONE, _seconds_left(room)
    left = f"{_amount(room.free, what)} of {_amount(room.size, what)} left"
    if gone:
        head = f"{disk.mountpoint} is full: {left}"
    else:
        head = f"{disk.mountpoint} is full in {duration(seconds or 0.0)}: {left}"
    return Verdict(
        subject=Subject(device=disk.mountpoint),
        headline=head,
        impact=_impact(gone, seconds, room, what),
        evidence=tuple(_evidence(disk, room, what, seconds)),
        recommendations=tuple(_recommendations(disk, room, what)),
        will_not_help=tuple(_will_not_help(what)),
        explains=EXPLAINS,
    )


def _impact(gone: bool, seconds: float | None, room: Room, what: str) -> Impact:
    unit = "B" if what == "bytes" else "inodes"
    if gone:
        return Impact(0.8, room.free, unit, "writes and new files fail (ENOSPC), and services with them")
    share = 0.5 * min(1.0, URGENT_SECONDS / max(seconds or 1.0, 1.0))
    return Impact(share, room.free, unit, f"nothing fails yet; full in {duration(seconds or 0.0)}")


def _evidence(disk: Filesystem, room: Room, what: str, seconds: float | None) -> Iterator[Evidence]:
    labels = (("mountpoint", disk.mountpoint),)
    metric = "filesystem_avail_bytes" if what == "bytes" else "filesystem_files_free"
    text = f"{percent(room.share)} is left for ordinary users: {_amount(room.free, what)}"
    threshold = GONE if room.share <= GONE else NEAR
    clear = 1.0 if seconds is None else strength(seconds, SOON_SECONDS, URGENT_SECONDS)
    if room.share <= GONE:
        clear = strength(room.share, GONE, 0.0)
    yield Evidence(
        "supports", "decides", text, metric, room.share, "ratio", threshold, "statvfs(3)", clear, labels
    )
    if room.share <= GONE:
        text = "the next write or file fails with ENOSPC"
        yield Evidence("supports", "separates", text, metric, room.free, labels=labels, source="write(2)")
    growth = room.growth
    if seconds is not None and growth is not None:
        pace = f"{_amount(growth.low, what)} to {_amount(growth.high, what)}"
        text = f"{pace} a second are used up: {duration(seconds)} are left"
        yield Evidence(
            "supports", "separates", text, metric, growth.per_second, "1/s", 0, "", growth.steady, labels
        )
    elif growth is None:
        yield Evidence("missing", "corroborates", "too few readings to tell the pace", metric)


def _recommendations(disk: Filesystem, room: Room, what: str) -> Iterator[Recommendation]:
    point = disk.mountpoint
    if what == "inodes":
        command = f"du --inodes -x -d 3 {point} | sort -n | tail -20"
        where = "the directory with most files, and who makes them"
        fix = "delete files that are not needed, and let who makes them clean up; or fewer, larger files"
    else:
        command = f"du -x -d 3 -BM {point} | sort -n | tail -20; lsof -nP +L1 {point}"
        where = "the largest directory, and files that are deleted but open"
        fix = "delete or move what is not needed; rotate logs (logrotate, journald's SystemMaxUse=); then more room"
    inspect = Inspect(point, "see what grew", command)
    yield Recommendation(inspect, f"{_amount(room.free, what)} left", where, "none")
    yield Recommendation(Code(point, fix), f"{percent(room.share)} left", "writes succeed again", "low")


def _will_not_help(what: str) -> Iterator[WillNotHelp]:
    if what == "inodes":
        yield WillNotHelp("deleting large files", "bytes are not what is lacking")
    yield WillNotHelp("rm of a file that is open", "its room comes back when the last process closes it")
