"""Backups: of all of one moment, of an installation that is being written to, put back as it was or not at all."""

from __future__ import annotations

import json
import threading
from pathlib import Path

import pytest
from django.db import connections

from diagnose.ingest import ledger
from diagnose.models import Host, HostEvent, IngestGap, User
from diagnose.store import engine, rollup
from diagnose.store.backup import archive, load
from diagnose.store.backup.archive import BadBackup
from diagnose.store.backup.backup import back_up, latest
from diagnose.store.schema import TABLES
from tests.diagnose.ingest.conftest import EPOCH
from tests.diagnose.store.backup.installation import deliver, everything

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("data_dir", "quiet_queue")]


@pytest.fixture
def target(tmp_path):
    return tmp_path / "backups"


def files_of(folder):
    return json.loads((folder / archive.MANIFEST).read_text())["files"]


def write_some(host, first):
    try:
        deliver(host, range(first, 46, 3))
    finally:
        connections.close_all()


def test_everything_comes_back_as_it_was(host, admin, target, put_back):
    deliver(host, range(1, 40))
    rollup.roll_up()
    before = everything()
    made = back_up(target, print)
    deliver(host, range(40, 50))
    User.objects.create_user("somebody new")
    assert everything() != before
    put_back(made)
    assert everything() == before


def test_a_backup_taken_while_batches_are_written_loses_and_doubles_nothing(host, target, put_back):
    """The collector sends again what is above the restored mark, and even all of it: each batch counts once."""
    deliver(host, range(1, 10))
    writers = [threading.Thread(target=write_some, args=(host, first)) for first in (10, 11, 12)]
    for writer in writers:
        writer.start()
    made = [back_up(target, print)]
    while any(writer.is_alive() for writer in writers):
        made.append(back_up(target, print))
    for writer in writers:
        writer.join()
    whole = everything()
    assert whole["marks"] == {host.pk: 45}
    assert len(made) > 2
    for folder in (made[0], made[len(made) // 2], made[-2]):
        put_back(folder)
        deliver(host, range(45, 0, -1))
        again = everything()
        for name, found in again.items():
            if name not in {"Fact", "Host", "HostEvent"}:
                assert found == whole[name], name
        # Facts and events come in another order, and numbers of rows with them.
        assert sorted(row[3]["seq"] for row in again["HostEvent"]) == sorted(map(str, range(1, 46)))


def test_a_mark_that_went_back_is_passed_over_with_a_gap_that_is_told(host, target, put_back):
    deliver(host, range(1, 6))
    made = back_up(target, print)
    deliver(host, range(6, 9))  # committed, and so deleted by the collector
    put_back(made)
    assert ledger.committed_seq(host.pk, EPOCH) == 5
    deliver(host, [9], oldest_seq=9)
    assert ledger.committed_seq(host.pk, EPOCH) == 9
    gap = IngestGap.objects.get()
    assert (gap.first_seq, gap.last_seq) == (6, 8)


def test_days_that_nobody_wrote_to_are_linked_and_not_copied(host, target, put_back):
    if engine.chosen() is not engine.SQLITE:
        pytest.skip("PostgreSQL cannot tell")
    deliver(host, range(1, 20))
    first = back_up(target, print)
    deliver(host, [20])
    before = everything()
    second = back_up(target, print)
    assert latest(target) == second
    days = [name for name in files_of(second) if name.startswith("telemetry/")]
    known = {name for name in days if (first / name).exists()}
    copied = [name for name in days if name not in known or not (second / name).samefile(first / name)]
    assert len({Path(name).name.partition(".")[0] for name in copied}) == 1
    assert len(days) > len(copied) >= 2  # profiles and points of the day that was written to
    put_back(second)
    assert everything() == before


@pytest.mark.parametrize("what", ["flipped", "cut", "missing", "another version", "no manifest"])
def test_a_damaged_backup_is_refused_before_anything_is_touched(host, target, put_back, what):
    deliver(host, range(1, 8))
    before, made = everything(), back_up(target, print)
    path = made / next(name for name in files_of(made) if name.startswith("telemetry/profiles"))
    data = bytearray(path.read_bytes())
    match what:
        case "flipped":
            data[len(data) // 2] ^= 1
            path.write_bytes(data)
        case "cut":
            path.write_bytes(data[:-5])
        case "missing":
            path.unlink()
        case "another version":
            text = (made / archive.MANIFEST).read_text()
            (made / archive.MANIFEST).write_text(text.replace('"schema": ', '"schema": 9'))
        case _:
            (made / archive.MANIFEST).unlink()
    with pytest.raises(BadBackup, match=r"backup|version"):
        put_back(made)
    assert everything() == before


def test_what_is_there_is_not_overwritten_unless_forced(host, target, put_back):
    deliver(host, range(1, 4))
    made = back_up(target, print)
    with pytest.raises(load.NotEmpty, match="there already"):
        put_back(made, force=False)


def test_a_restore_that_fails_half_way_leaves_nothing(host, target, put_back, place, monkeypatch):
    deliver(host, range(1, 8))
    made = back_up(target, print)

    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patched:
        patched.setattr(load.relational, "insert", full)
        with pytest.raises(OSError, match="No space"):
            put_back(made)
    load.require_empty(place)
    put_back(made, force=False)
    assert Host.objects.get().pk == host.pk


def test_a_target_that_cannot_be_written_is_told_and_nothing_is_left(host, target):
    deliver(host, [1])
    target.write_text("a file")
    with pytest.raises(BadBackup, match="name a folder with room"):
        back_up(target, print)


def test_numbers_of_what_is_gone_are_not_given_again(host, target, put_back):
    """Telemetry of a removed host stays for its time; another host with its number would inherit it."""
    removed = Host.objects.create(identity="f" * 32, name="removed")
    number = removed.pk
    removed.delete()
    made = back_up(target, print)
    put_back(made)
    assert Host.objects.create(identity="e" * 32, name="next").pk > number
    HostEvent.objects.create(host=host, kind="x", at="2026-01-01T00:00:00Z")


def test_every_table_is_in_a_backup(host, target):
    deliver(host, range(1, 9))
    rollup.roll_up()
    found = files_of(back_up(target, print))
    kinds = {name.split("/")[1]: set(entry["tables"]) for name, entry in found.items() if "/" in name}
    assert kinds == {kind: {table.name for table in tables} for kind, tables in TABLES.items()}
    assert {"diagnose_host", "diagnose_user_groups", "django_session"} <= set(
        found["relational.zst"]["tables"]
    )
