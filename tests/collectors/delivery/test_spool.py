"""The disk queue: order, bounds, restarts, crashes and full disks."""

from __future__ import annotations

import errno
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from collectors.delivery import spool as spool_module
from collectors.delivery.spool import Spool

ROOMY = 1 << 20


@pytest.fixture
def full_disk(monkeypatch):
    """A disk that refuses every write while the switch is on."""
    switch = {"on": False}
    write = spool_module._write

    def refuse(path: Path, data: bytes) -> None:
        if switch["on"]:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        write(path, data)

    monkeypatch.setattr(spool_module, "_write", refuse)
    return switch


def pending(spool: Spool) -> list[tuple[int, bytes]]:
    found, seq = [], 0
    while (entry := spool.next_after(seq)) is not None:
        found.append((entry.seq, entry.payload))
        seq = entry.seq
    return found


def test_batches_come_out_in_order_numbered_from_one(tmp_path):
    spool = Spool(tmp_path, ROOMY)
    assert [spool.append(data) for data in (b"a", b"b", b"c")] == [1, 2, 3]
    assert pending(spool) == [(1, b"a"), (2, b"b"), (3, b"c")]


def test_the_epoch_is_64_bits_of_hex_and_every_spool_has_its_own(tmp_path):
    first, second = Spool(tmp_path / "a", ROOMY).state().epoch, Spool(tmp_path / "b", ROOMY).state().epoch
    assert len(first) == 16
    assert int(first, 16) >= 0
    assert first != second


def test_a_restart_keeps_the_epoch_the_batches_and_the_count(tmp_path):
    before = Spool(tmp_path, ROOMY)
    before.append(b"a")
    before.append(b"b")
    after = Spool(tmp_path, ROOMY)
    assert after.state().epoch == before.state().epoch
    assert pending(after) == [(1, b"a"), (2, b"b")]
    assert after.append(b"c") == 3


def test_the_count_goes_on_after_a_restart_when_everything_was_committed(tmp_path):
    before = Spool(tmp_path, ROOMY)
    for data in (b"a", b"b", b"c"):
        before.append(data)
    before.commit(before.state().epoch, 3)
    assert pending(before) == []
    assert before.state().bytes == 0
    after = Spool(tmp_path, ROOMY)
    assert after.append(b"d") == 4
    assert after.state().epoch == before.state().epoch


def test_only_committed_batches_are_deleted(tmp_path):
    spool = Spool(tmp_path, ROOMY)
    for data in (b"a", b"b", b"c"):
        spool.append(data)
    assert spool.commit(spool.state().epoch, 2) == 2
    assert pending(spool) == [(3, b"c")]
    assert len(list(tmp_path.glob("*.batch"))) == 1


def test_a_commit_of_another_epoch_deletes_nothing(tmp_path):
    spool = Spool(tmp_path, ROOMY)
    spool.append(b"a")
    assert spool.commit("0123456789abcdef", 99) == 0
    assert pending(spool) == [(1, b"a")]


def test_over_the_bound_the_oldest_go_and_oldest_seq_follows(tmp_path):
    spool = Spool(tmp_path, max_bytes=250)
    for number in range(1, 6):
        spool.append(bytes([number]) * 100)
    entry = spool.next_after(0)
    assert entry is not None
    assert (entry.seq, entry.oldest_seq) == (4, 4)
    assert spool.state().dropped == 3
    assert len(list(tmp_path.glob("*.batch"))) == 2


def test_a_half_written_file_is_ignored_and_removed(tmp_path):
    spool = Spool(tmp_path, ROOMY)
    spool.append(b"a")
    (tmp_path / f"{2:016d}.tmp").write_bytes(b"half of a ba")
    after = Spool(tmp_path, ROOMY)
    assert pending(after) == [(1, b"a")]
    assert after.append(b"b") == 2
    assert not list(tmp_path.glob("*.tmp"))


def test_files_that_are_no_batches_are_left_alone(tmp_path):
    spool = Spool(tmp_path, ROOMY)
    spool.append(b"a")
    (tmp_path / "notes.batch").write_bytes(b"somebody's")
    (tmp_path / "7.batch").write_bytes(b"not a name of ours")
    (tmp_path / f"{'²' * 16}.batch").write_bytes(b"digits to str.isdigit")
    (tmp_path / f"{8:016d}.batch").mkdir()
    (tmp_path / f"{9:016d}.batch").symlink_to("/nowhere")
    after = Spool(tmp_path, ROOMY)
    assert pending(after) == [(1, b"a")]
    assert after.append(b"b") == 2
    assert (tmp_path / "notes.batch").exists()


def test_a_number_sent_from_memory_on_a_full_disk_is_never_given_again(tmp_path, full_disk):
    spool = Spool(tmp_path, ROOMY)
    spool.append(b"a")
    full_disk["on"] = True
    assert [spool.append(data) for data in (b"b", b"c")] == [2, 3]
    after = Spool(tmp_path, ROOMY)  # killed meanwhile: what was in memory is lost
    full_disk["on"] = False
    assert after.append(b"d") == 4
    assert pending(after) == [(1, b"a"), (4, b"d")]
    assert after.state().epoch == spool.state().epoch


def test_a_lost_epoch_file_begins_a_new_epoch_and_keeps_the_batches(tmp_path):
    before = Spool(tmp_path, ROOMY)
    for data in (b"a", b"b", b"c"):
        before.append(data)
    before.commit(before.state().epoch, 1)
    (tmp_path / "epoch").write_text("garbage")
    after = Spool(tmp_path, ROOMY)
    assert after.state().epoch != before.state().epoch
    assert pending(after) == [(1, b"b"), (2, b"c")]


def test_a_new_epoch_numbers_what_is_pending_from_one_and_survives_a_restart(tmp_path):
    spool = Spool(tmp_path, ROOMY)
    for data in (b"a", b"b", b"c"):
        spool.append(data)
    old = spool.state().epoch
    spool.commit(old, 2)
    spool.begin_epoch()
    assert pending(spool) == [(1, b"c")]
    after = Spool(tmp_path, ROOMY)
    assert after.state().epoch == spool.state().epoch != old
    assert after.append(b"d") == 2


def test_a_discarded_batch_is_gone_and_those_around_it_stay(tmp_path):
    spool = Spool(tmp_path, ROOMY)
    for data in (b"a", b"b", b"c"):
        spool.append(data)
    spool.discard(2)
    assert pending(spool) == [(1, b"a"), (3, b"c")]


def test_a_replaced_batch_keeps_its_number(tmp_path):
    spool = Spool(tmp_path, ROOMY)
    spool.append(b"long content")
    spool.append(b"b")
    spool.replace(1, b"short")
    assert pending(Spool(tmp_path, ROOMY)) == [(1, b"short"), (2, b"b")]
    assert spool.state().bytes == len(b"short") + 1


def test_a_full_disk_is_survived_in_memory_and_written_when_there_is_room(tmp_path, full_disk):
    spool = Spool(tmp_path, ROOMY)
    spool.append(b"a")
    full_disk["on"] = True
    assert spool.append(b"b") == 2
    assert pending(spool) == [(1, b"a"), (2, b"b")]
    assert "No space left" in spool.state().disk_error
    full_disk["on"] = False
    spool.append(b"c")
    assert spool.state().disk_error == ""
    assert pending(Spool(tmp_path, ROOMY)) == [(1, b"a"), (2, b"b"), (3, b"c")]


def test_a_disk_that_stays_full_costs_the_oldest_and_never_a_hole(tmp_path, full_disk, monkeypatch):
    monkeypatch.setattr(spool_module, "MAX_HELD_BYTES", 250)
    spool = Spool(tmp_path, ROOMY)
    spool.append(b"a" * 100)
    full_disk["on"] = True
    for _ in range(5):
        spool.append(b"b" * 100)
    numbers = [seq for seq, _ in pending(spool)]
    assert numbers == [5, 6]
    assert spool.state().dropped == 4


def test_a_directory_made_read_only_is_survived(tmp_path, full_disk):
    spool = Spool(tmp_path / "spool", ROOMY)
    full_disk["on"] = True
    spool.append(b"a")
    assert spool.commit(spool.state().epoch, 1) == 1
    assert pending(spool) == []


def test_after_kill_9_in_the_middle_of_writing_every_named_file_is_whole(tmp_path):
    script = (
        "import sys; from pathlib import Path; from collectors.delivery.spool import Spool\n"
        "spool = Spool(Path(sys.argv[1]), 1 << 30)\n"
        "while True: print(spool.append(b'x' * 100_000), flush=True)\n"
    )
    for _ in range(3):
        command = [sys.executable, "-c", script, str(tmp_path)]
        writer = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
        try:
            assert writer.stdout is not None
            writer.stdout.readline()
            time.sleep(0.15)
        finally:
            writer.send_signal(signal.SIGKILL)
            said = [int(line) for line in writer.communicate()[0].split()]
        spool = Spool(tmp_path, 1 << 30)
        numbers = [seq for seq, _ in pending(spool)]
        assert numbers == list(range(1, len(numbers) + 1))
        assert all(len(payload) == 100_000 for _, payload in pending(spool))
        assert not said or numbers[-1] >= said[-1]
