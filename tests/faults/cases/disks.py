"""Disks that others keep busy, and file systems that fill up."""

from __future__ import annotations

from tests.faults.case import Case, Knobs
from tests.faults.stage import Stage

PORT = 7511
MEBIBYTE = 1024**2


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
