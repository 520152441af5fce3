"""Disks that others keep busy, and file systems that fill up."""

from __future__ import annotations

import time

from tests.faults.case import Case, Knobs
from tests.faults.stage import Stage

PORT = 7511
MEBIBYTE = 1024**2


def syncing_service(stage: Stage, rate: float = 100, connections: int = 8) -> None:
    stage.program("worker.py", PORT, "--write", stage.on_disk() / "log")
    stage.wait_for_listener(PORT)
    stage.program("client.py", f"127.0.0.1:{PORT}", "--kept", connections, "--pause", connections / rate)


def contention(stage: Stage, knobs: Knobs) -> None:
    """Copies go past the page cache, as those of databases and virtual machines do."""
    syncing_service(stage)
    folder = stage.on_disk()
    time.sleep(2)
    stage.begin()
    for number in range(int(knobs["writers"])):
        copy = (
            f"dd if=/dev/zero of={folder}/copy{number} bs=8M count=64 oflag=direct conv=notrunc 2>/dev/null"
        )
        stage.start("sh", "-c", f"while :; do {copy}; done")


def backup(stage: Stage, _: Knobs) -> None:
    """It reads as fast as it can; the service beside it does not need the disk."""
    data = stage.file(256)
    stage.program("worker.py", PORT, "--compute", 0.001)
    stage.wait_for_listener(PORT)
    stage.program("client.py", f"127.0.0.1:{PORT}", "--kept", 4, "--pause", 0.1)
    stage.begin()
    stage.start("sh", "-c", f"while :; do dd if={data} of=/dev/null bs=1M iflag=direct 2>/dev/null; done")


def fills_up(stage: Stage, knobs: Knobs) -> None:
    path = stage.filesystem(64, 4000)
    stage.begin()
    pace = ("--bytes", knobs["bytes"], "--files", knobs["files"])
    stage.program("fill.py", path, "--already", int(knobs["already"]), *pace)


def mostly_full(stage: Stage, _: Knobs) -> None:
    path = stage.filesystem(64, 4000)
    (path / "archive").write_bytes(b"a" * 58 * MEBIBYTE)
    stage.begin()
    stage.start("sh", "-c", f"while :; do date > {path}/status; sleep 0.1; done")


CASES = [
    Case(
        name="disk-contention",
        family="disks",
        story="A service syncs each request to a disk that copies keep busy.",
        fix="Less weight for the copies, or another disk.",
        truth=("disk.saturation",),
        play=contention,
        intensities={"two": {"writers": 2}},
    ),
    Case(
        name="backup-job",
        family="disks",
        story="A backup reads at full speed, and nobody waits for the disk.",
        fix="",
        truth=(),
        play=backup,
        lookalike_of="disk-contention",
    ),
    Case(
        name="disk-full",
        family="disks",
        story="Files fill a small file system, or its inodes.",
        fix="Delete what is not needed.",
        truth=("disk.full",),
        play=fills_up,
        intensities={
            "bytes": {"already": 0, "bytes": 3e6, "files": 0},
            "inodes": {"already": 0, "bytes": 0, "files": 180},
            "soon": {"already": 54 * MEBIBYTE, "bytes": 20_000, "files": 0},
        },
        patience_seconds=60.0,
    ),
    Case(
        name="mostly-full-disk",
        family="disks",
        story="A file system is nine tenths full, as it has been for long.",
        fix="",
        truth=(),
        play=mostly_full,
        lookalike_of="disk-full",
    ),
]
