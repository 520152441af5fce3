"""disk.full: what is left, and how long it lasts."""

import pytest

from tests.diagnose.correlate.rules.verdicts import the_verdict, verdicts
from tests.diagnose.correlate.windows import recorded, synthetic, without

RULE = "disk.full"
GIB = 1024.0**3
DISK = {"device": "/dev/sda1", "mountpoint": "/var", "fstype": "ext4"}


def window(left=(0.05,) * 12, files_left=(0.9,) * 12, size=100.0):
    """Ten-second passes; shares of the size and of a million inodes."""
    steps = len(left)
    return synthetic(
        {
            "filesystem_size_bytes": [(DISK, [size * GIB] * steps)],
            "filesystem_free_bytes": [(DISK, [share * size * GIB for share in left])],
            "filesystem_avail_bytes": [(DISK, [share * size * GIB for share in left])],
            "filesystem_files": [(DISK, [1e6] * steps)],
            "filesystem_files_free": [(DISK, [share * 1e6 for share in files_left])],
        },
        step=10.0,
    )


def falling(first, last):
    return [first + (last - first) * step / 11 for step in range(12)]


def test_a_file_system_without_room_is_full():
    verdict = the_verdict(RULE, window(left=(0.0,) * 12))
    assert "/var is full" in verdict.headline
    assert verdict.impact.share >= 0.5


def test_one_that_fills_up_soon_is_told_with_the_time_that_is_left():
    verdict = the_verdict(RULE, window(left=falling(0.2, 0.1)))
    assert "full in 110 s" in verdict.headline
    assert verdict.impact.share < 0.8


def test_inodes_end_too():
    verdict = the_verdict(RULE, window(files_left=falling(0.1, 0.0)))
    assert "inodes" in verdict.headline
    assert any("large files" in each.action for each in verdict.will_not_help)


@pytest.mark.parametrize(
    "odd",
    [
        {},
        {"left": falling(0.5, 0.45)},
        {"left": falling(0.05, 0.06)},
        {"left": (0.005,) * 12, "size": 4000.0},
    ],
    ids=["mostly full and even", "half full", "being cleaned up", "a terabyte's half percent"],
)
def test_what_is_mostly_full_and_does_not_grow_is_no_finding(odd):
    assert verdicts(RULE, window(**odd)) == []


@pytest.mark.parametrize("name", ["bytes", "inodes"])
def test_a_recorded_full_disk_is_found(name):
    verdict = the_verdict(RULE, recorded(f"disk-full-{name}"))
    assert ("inodes" in verdict.headline) == (name == "inodes")


def test_a_recorded_disk_that_is_mostly_full_is_no_finding():
    assert verdicts(RULE, recorded("mostly-full-disk-usual")) == []


def test_without_file_systems_it_is_unknown():
    assert verdicts(RULE, without(recorded("disk-full-bytes"), "filesystem_")) is None
