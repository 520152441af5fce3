"""The worker's side of ingest: exactly once, whatever comes twice, late, or broken."""

from __future__ import annotations

import time
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import msgspec
import pytest
import zstandard
from django.db import connection

from collectors import wire
from collectors.columns import Frame, StackColumns, StackSample, packed
from collectors.delivery import payload
from collectors.tables import point_table, profile_table
from diagnose import evaluations, models
from diagnose.ingest import ledger, pending, prepare, write
from diagnose.models import (
    BatchPart,
    Capture,
    Fact,
    FactChange,
    Host,
    HostEvent,
    IngestEpoch,
    IngestGap,
    ProbeState,
    QuarantinedBatch,
)
from diagnose.store import days, dictionary, engine, flamegraph, profiles, series
from diagnose.store.engine.sqlite import SQLITE, path_of
from diagnose.store.rows import MetricBatch
from diagnose.store.sql.metrics import SqlMetricStore
from diagnose.store.sql.profiles import SqlProfileStore
from tests.batches import EPOCH, body_of, body_of_items, envelope_of, renamed
from tests.diagnose.ingest.conftest import points, stacks

pytestmark = pytest.mark.usefixtures("data_dir")
HOUR_NS = 3600 * 10**9


def total_of(host: Host, metric: str) -> float:
    """The sum of all stored points of a metric."""
    now = time.time_ns()
    found = series.read(series.find([host.pk], metric), now - 48 * HOUR_NS, now + 48 * HOUR_NS)
    return sum(values.sum() for _, values in found.values())


def profile_total(service: str = "shop") -> int:
    now = time.time_ns()
    merged = profiles.merge(profiles.Selector(service, "cpu"), now - 48 * HOUR_NS, now + 48 * HOUR_NS)
    return int(merged.counts.sum())


def test_a_batch_becomes_points_profiles_facts_events_and_probe_states(host, queued):
    now = time.time_ns()
    queued(
        1,
        body_of(
            [
                points("load1", [0.5, 1.5], cpu="0"),
                stacks({("main", "serve"): 7, ("main", "wait"): 2}),
                wire.Fact("kernel.release", "6.18", now),
                wire.Event("process_appeared", now, {"pid": "812"}),
                wire.ProbeStatus("cpu", True, "", 0.001, 100),
                wire.Histogram("tcp_rtt_seconds", {}, now, "loglin20", {3: 5, 9: 1}, 0.7, 6),
            ]
        ),
    )
    write.write_waiting()
    assert total_of(host, "load1") == 2.0
    assert profile_total() == 9
    assert Fact.objects.get(host=host).value == "6.18"
    assert HostEvent.objects.get(host=host).fields == {"pid": "812"}
    assert ProbeState.objects.get(host=host).ok
    assert ledger.committed_seq(host.pk, EPOCH) == 1
    host.refresh_from_db()
    assert host.agent == "0.1.0"
    assert abs(host.clock_skew_seconds) < 5
    merged = profiles.merge(profiles.Selector("shop", "cpu"), now - HOUR_NS, now + HOUR_NS)
    rows = flamegraph.top("shop", merged)
    assert [(row.name, row.self, row.total) for row in rows] == [
        ("serve", 7, 7),
        ("wait", 2, 2),
        ("main", 0, 9),
    ]


def test_a_batch_given_twice_counts_once(host, queued):
    for _ in range(3):
        queued(1, body_of([points("load1", [1.0]), stacks({("main",): 5})]))
        write.write_waiting()
    assert (total_of(host, "load1"), profile_total()) == (1.0, 5)


def test_batches_out_of_order_wait_for_the_missing_one_with_their_mark(host, queued):
    for seq in (3, 2, 5):
        queued(seq, body_of([points("load1", [1.0])], seq=seq))
        write.write_waiting()
        write.write_waiting()
    assert ledger.committed_seq(host.pk, EPOCH) == 0
    queued(1, body_of([points("load1", [1.0])], seq=1))
    write.write_waiting()
    assert ledger.committed_seq(host.pk, EPOCH) == 3
    assert [part.seq for part in BatchPart.objects.all()] == [5]
    for seq in (1, 2, 3, 5):
        queued(seq, body_of([points("load1", [1.0])], seq=seq))
        write.write_waiting()
    assert total_of(host, "load1") == 4.0


@pytest.mark.django_db(transaction=True)
def test_parallel_workers_given_the_same_batches_write_each_once(host, queued):
    bodies = [body_of([points("load1", [1.0]), stacks({("main", f"f{n}"): 5})], seq=n) for n in range(1, 9)]
    for seq, body in enumerate(bodies, 1):
        queued(seq, body)

    taken = pending.take()

    def work(group: list[pending.Waiting]) -> None:
        try:
            write.write(group)
        finally:
            connection.close()

    with ThreadPoolExecutor(6) as pool:
        list(pool.map(work, [taken[:5], taken[3:], taken[::-1], taken[::2], *([one] for one in taken)]))
    assert (total_of(host, "load1"), profile_total()) == (8.0, 40)
    assert ledger.committed_seq(host.pk, EPOCH) == 8
    assert not BatchPart.objects.exists()


def test_what_the_spool_dropped_becomes_a_gap_and_holds_nobody_up(host, queued):
    queued(7, body_of([points("load1", [1.0])], seq=7, oldest_seq=5))
    write.write_waiting()
    assert ledger.committed_seq(host.pk, EPOCH) == 4
    queued(5, body_of([points("load1", [1.0])], seq=5, oldest_seq=5))
    queued(6, body_of([points("load1", [1.0])], seq=6, oldest_seq=5))
    write.write_waiting()
    assert ledger.committed_seq(host.pk, EPOCH) == 7
    assert [(gap.first_seq, gap.last_seq) for gap in IngestGap.objects.all()] == [(1, 4)]


def test_a_batch_that_arrives_after_its_gap_was_declared_is_dropped(host, queued):
    queued(3, body_of([points("load1", [1.0])], seq=3, oldest_seq=3))
    write.write_waiting()
    queued(2, body_of([points("load1", [1.0])], seq=2))
    write.write_waiting()
    assert total_of(host, "load1") == 1.0


def test_a_collector_with_a_new_epoch_starts_at_one_again(host, queued):
    queued(1, body_of([points("load1", [1.0])]))
    write.write_waiting()
    queued(1, body_of([points("load1", [2.0])], epoch="abc"), epoch="abc")
    write.write_waiting()
    assert total_of(host, "load1") == 3.0
    assert ledger.committed_seq(host.pk, "abc") == 1


def table(**fields: Any) -> wire.ProfileTable:
    """One profile with one sound sample but for these fields, of the table or of its names."""
    profile = wire.Profile("cpu", "samples", "shop", {}, 1, 2, fields.pop("period", 1), 1)
    one = StackColumns.of([Frame(0, 0, 0, 0)], [[0]], [StackSample(0, 0, 1)])
    made = profile_table([wire.Stacks("cpu", "samples", "shop", {}, 1, 2, 1, ["a"], one)])
    names = {name: fields.pop(name) for name in [*fields] if name in wire.Names.__struct_fields__}
    if names:
        fields["names"] = renamed(made.names, **names)
    return msgspec.structs.replace(made, **{"profiles": [profile]} | fields)


SIZELESS = zstandard.ZstdCompressor(write_content_size=False)


def point_columns(**fields: bytes) -> wire.PointTable:
    """One sound point but for these fields."""
    return msgspec.structs.replace(point_table([wire.Points("load1", {}, [1], [1.0])]), **fields)


def labelled(count: int) -> wire.PointTable:
    return point_table([wire.Points("load1", {str(n): "" for n in range(count)}, [1], [1.0])])


BROKEN = {
    "values without times": point_columns(times=b""),
    "a time before 1970": point_table([wire.Points("load1", {}, [-5], [1.0])]),
    "half a value": point_columns(values=b"\0\0\0"),
    "lengths of another width": point_columns(lengths=b"\1\3"),
    "more lengths than series": point_columns(lengths=packed([1, 0, 0])),
    "more points than fit anywhere": point_columns(lengths=packed([2**40])),
    "a metric without name": point_table([wire.Points("", {}, [1], [1.0])]),
    "series that are no list": point_columns(series=b"\xc1"),
    "a million labels": labelled(1_000_000),
    "a stack with an unknown frame": table(paths=packed([3])),
    "a frame with an unknown string": table(frame_files=packed([9])),
    "a line beyond 31 bits": table(frame_lines=packed([2**31])),
    "a frame without a module": table(frame_modules=packed([])),
    "a sample of an unknown stack": table(sample_stacks=packed([1])),
    "a sample of an unknown thread": table(sample_threads=packed([5])),
    "a sample in an unknown state": table(sample_states=packed([3])),
    "a digest that its stack does not have": table(path_digests=b"8 letters"[:8]),
    "half a digest": table(path_digests=b"half"),
    "a stack without its digest": table(path_digests=b""),
    "names that are no zstd frame": table(names=b"names"),
    "names that are no names": table(names=zstandard.ZstdCompressor().compress(b"\xc1")),
    "names that do not state their size": table(names=SIZELESS.compress(b"a")),
    "names of more bytes than a batch may have": table(names=zstandard.ZstdCompressor().compress(bytes(2**26 + 1))),
    "a count that cannot be": table(sample_values=packed([2**63])),
    "counts beyond a century": table(sample_values=packed([2**53]), period=10**9),
    "a column that ends within a number": table(paths=b"\0\0\0\2"),
    "a column without anything": table(paths=b""),
    "lengths of more than there is": table(path_lengths=packed([2**32])),
    "columns of different lengths": table(sample_threads=packed([])),
    "times of another number of samples": table(sample_offsets=packed([1, 2])),
    "profiles with fewer samples than there are": table(profiles=[]),
    "a profile with samples below zero": table(
        profiles=[wire.Profile("cpu", "samples", "shop", {}, 1, 2, 1, count) for count in (2, -1)]
    ),
    "two thousand profiles": table(
        profiles=[wire.Profile("cpu", "samples", "shop", {}, 1, 2, 1, 0) for _ in range(2_000)]
    ),
    "a profile whose labels fit into no key": table(
        profiles=[wire.Profile("cpu", "samples", "shop", {str(n): "ü" * 100 for n in range(11)}, 1, 2, 1, 1)]
    ),
    "a hundred thousand stacks and one": table(path_digests=bytes(8) * 100_001),
    "a hundred thousand threads and one": table(threads=["a"] * 100_001),
    "more stacks than digests": table(path_lengths=packed([1, 0])),
    "strings that are no UTF-8": table(text=b"\xff"),
    "a string that begins within a character": table(text="é".encode(), text_lengths=packed([1, 1])),
    "strings of more than there is": table(text_lengths=packed([2])),
    "a bucket below zero": wire.Histogram("rtt", {}, 1, "loglin4", {-1: 5}, 1.0, 5),
    "a bucket that its scheme has not": wire.Histogram("rtt", {}, 1, "loglin4", {112: 5}, 1.0, 5),
    "a bucket with an impossible count": wire.Histogram("rtt", {}, 1, "loglin4", {3: 2**53 + 1}, 1.0, 5),
}  # fmt: skip


@pytest.mark.parametrize("what", BROKEN)
def test_a_poison_batch_is_kept_with_its_error_and_does_not_block(what, host, queued):
    queued(1, body_of_items([point_table([points("load1", [1.0])]), BROKEN[what]], seq=1))
    queued(2, body_of([points("load1", [2.0])], seq=2))
    write.write_waiting()
    poison = QuarantinedBatch.objects.get()
    assert (poison.seq, bool(poison.error), bool(poison.payload)) == (1, True, True)
    assert ledger.committed_seq(host.pk, EPOCH) == 2
    assert total_of(host, "load1") == 2.0


def test_a_wrong_digest_is_refused_with_its_value_and_the_remedy(host, queued):
    """It could be that of another's stack, which would bear a wrong name for ever."""
    queued(1, body_of_items([table(path_digests=b"\xab" * 8)]))
    write.write_waiting()
    error = QuarantinedBatch.objects.get().error
    assert all(part in error for part in ("stack 0", "ab" * 8, "path_digests", "install"))
    assert not models.Stack.objects.exists()
    assert not models.Frame.objects.exists()


def test_names_that_nobody_needs_are_not_read(host, queued):
    """A digest that was met stands for its stack, whatever names come with it."""
    sound = profile_table([stacks({("main",): 5})])
    for seq, names in enumerate((sound.names, b"damaged", renamed(sound.names, text=b"other")), 1):
        queued(seq, body_of_items([msgspec.structs.replace(sound, names=names)], seq=seq))
        write.write_waiting()
        dictionary._known.clear()
    assert profile_total() == 15
    assert not QuarantinedBatch.objects.exists()
    assert [frame.name for frame in models.Frame.objects.all()] == ["main"]


def test_a_batch_that_breaks_the_store_does_not_take_its_group_with_it(host, queued, monkeypatch):
    """The group fails as a whole, each is then written alone, and only the one comes again."""
    append = SqlMetricStore.append

    def picky(self: SqlMetricStore, batches: list[MetricBatch]) -> list[int]:
        if any(one.key.seq == 2 for one in batches):
            raise RuntimeError("cannot happen")
        return append(self, batches)

    monkeypatch.setattr(SqlMetricStore, "append", picky)
    for _ in range(3):
        assert not QuarantinedBatch.objects.exists()
        for seq in (1, 2, 3):
            queued(seq, body_of([points("load1", [1.0]), stacks({("main",): 5})], seq=seq))
        write.write_waiting()
        assert total_of(host, "load1") == 2.0
    assert QuarantinedBatch.objects.get().seq == 2
    assert ledger.committed_seq(host.pk, EPOCH) == 3


@pytest.mark.skipif(engine.chosen() is not SQLITE, reason="a commit of PostgreSQL is on disk when it returns")
def test_what_a_mark_passes_is_on_the_disk(host, queued, monkeypatch, synced):
    before: list[set[str]] = []
    finish = ledger.finish
    monkeypatch.setattr(ledger, "finish", lambda parts: (before.append(set(synced)), finish(parts)))
    queued(1, body_of([points("load1", [0.5]), stacks({("main", "serve"): 7})]))
    write.write_waiting()
    today = days.day_of(time.time_ns())
    assert before[0] >= {f"{path_of(today, kind)}-wal" for kind in ("points", "profiles")}


def test_a_writer_whose_time_is_up_sends_for_the_next_though_another_was_sent_for(
    host, queued, sent_tasks, monkeypatch
):
    """The other one came while this one was at work, found that out, and went away."""
    monkeypatch.setattr(pending, "GROUP_BATCHES", 1)
    monkeypatch.setattr(write, "_TASK_SECONDS", 0.05)
    take = pending.take

    def while_others_offer() -> list[pending.Waiting]:
        taken = take()
        queued(100 + taken[0].seq, body_of([points("up", [1.0])], seq=100 + taken[0].seq))
        write.write_waiting()  # what an offer sent for: it finds the lock taken
        time.sleep(0.06)
        return taken

    queued(1, body_of([points("up", [1.0])], seq=1))
    queued(2, body_of([points("up", [1.0])], seq=2))
    monkeypatch.setattr(pending, "take", while_others_offer)
    sent_tasks.clear()
    write.write_waiting()
    written = [name for name, _ in sent_tasks if name.endswith("write_waiting")]
    assert len(written) == 2


def test_a_batch_that_takes_its_worker_down_is_alone_the_next_time(host, queued, monkeypatch):
    for seq in (1, 2, 3):
        queued(seq, body_of([points("load1", [1.0])], seq=seq))
    pending.begin(pending.take())
    groups = []
    apply = write.apply
    monkeypatch.setattr(write, "apply", lambda ready: (groups.append(len(ready)), apply(ready)))
    for seq in (1, 2, 3, 4, 5):
        queued(seq, body_of([points("load1", [1.0])], seq=seq))
    write.write_waiting()
    assert groups == [2, 1, 1, 1]
    assert total_of(host, "load1") == 5.0


def test_offsets_of_samples_reach_the_store_by_stack(host, queued, monkeypatch):
    rows = []
    monkeypatch.setattr(SqlProfileStore, "append", lambda _, batches: rows.extend(batches[0].rows) or [0])
    samples = [StackSample(0, 0, 2, "active", 900), StackSample(1, 0, 1, "active", 0)]
    samples += [StackSample(0, 0, 3, "idle", 900), StackSample(0, 0, 4)]
    columns = StackColumns.of([Frame(0, 0, 0, 0)], [[0], [0, 0]], samples)
    queued(1, body_of([wire.Stacks("cpu", "samples", "shop", {}, 1, 2, 1, ["a"], columns)]))
    write.write_waiting()
    (row,) = rows
    assert dict(zip(row.stack_ids.tolist(), row.counts.tolist(), strict=True)) == {0: 9, 1: 1}
    assert row.offsets.stack_ids.tolist() == [0, 1]
    assert row.offsets.offsets_ms.tolist() == [900, 0]
    assert row.offsets.counts.tolist() == [5, 1]


def test_a_batch_that_breaks_the_code_is_quarantined_at_the_third_time(host, queued, monkeypatch):
    def broken(*_: object) -> None:
        raise RuntimeError("cannot happen")

    monkeypatch.setattr(prepare.native, "read", broken)
    for _ in range(3):
        assert not QuarantinedBatch.objects.exists()
        queued(1, body_of([points("load1", [1.0])]))
        write.write_waiting()
    assert "cannot happen" in QuarantinedBatch.objects.get().error
    assert ledger.committed_seq(host.pk, EPOCH) == 1


def test_a_full_disk_never_sends_a_batch_to_quarantine(host, queued, monkeypatch, caplog):
    failure = engine.chosen().failures[0]

    def full(*_: object) -> None:
        raise failure("database or disk is full")

    with monkeypatch.context() as patched:
        patched.setattr(write.backend, "metric_store", full)
        for _ in range(20):
            queued(1, body_of([points("load1", [1.0])]))
            write.write_waiting()
    queued(1, body_of([points("load1", [1.0])]))
    write.write_waiting()
    assert "batches wait: " in caplog.text
    assert "Traceback" not in caplog.text
    assert not QuarantinedBatch.objects.exists()
    assert total_of(host, "load1") == 1.0


def test_without_room_on_the_disk_a_batch_waits_however_often_it_is_tried(host, queued, nearly_full):
    queued(1, body_of([points("load1", [1.0])]))
    with nearly_full():
        for _ in range(12):
            write.write_waiting()
        assert (ledger.committed_seq(host.pk, EPOCH), total_of(host, "load1")) == (0, 0)
    write.write_waiting()
    assert (ledger.committed_seq(host.pk, EPOCH), total_of(host, "load1")) == (1, 1.0)
    assert not QuarantinedBatch.objects.exists()


def test_a_batch_that_took_its_worker_down_ten_times_is_quarantined(host, queued):
    for _ in range(10):
        queued(1, body_of([points("load1", [1.0])]))
        pending.begin(pending.take())
    queued(1, body_of([points("load1", [1.0])]))
    write.write_waiting()
    assert "died 10 times" in QuarantinedBatch.objects.get().error


def test_the_quarantine_keeps_the_last_fifty_of_a_host(host, queued):
    for seq in range(1, 61):
        ledger.quarantine(host.pk, EPOCH, seq, 1, f"error {seq}", b"x" * 10)
    assert QuarantinedBatch.objects.count() == 50
    assert ledger.committed_seq(host.pk, EPOCH) == 60


@pytest.mark.parametrize("hours", [-30, 30])
def test_a_clock_far_off_keeps_its_data_at_the_servers_time_and_says_so(hours, host, queued):
    now = time.time_ns()
    theirs = now + hours * HOUR_NS
    for seq in (1, 2):
        body = body_of(
            [points("load1", [1.0, 1.0], end_ns=theirs), stacks({("main",): 5}, end_ns=theirs)],
            seq=seq, sent_ns=theirs,
        )  # fmt: skip
        queued(seq, body, received_ns=now)
        write.write_waiting()
        write.write_waiting()
    found = series.read(series.find([host.pk], "load1"), now - 60 * 10**9, now + 10**9)
    assert sum(values.sum() for _, values in found.values()) == 4.0
    host.refresh_from_db()
    assert host.clock_skew_seconds == hours * 3600
    event = HostEvent.objects.get(kind="clock_shifted")
    assert float(event.fields["skew_seconds"]) == hours * 3600


def test_a_second_attempt_moves_times_as_the_first_did(host, queued, monkeypatch):
    """Between the attempts the clock was set right; the first one had written a day file already."""
    midnight = time.time_ns() // (24 * HOUR_NS) * 24 * HOUR_NS
    received = midnight + 10 * 10**9
    behind = received - 2 * HOUR_NS
    samples = [points("load1", [1.0, 1.0, 1.0], end_ns=behind)]
    queued(1, body_of(samples, sent_ns=behind), received_ns=received)
    with monkeypatch.context() as patched:
        patched.setattr(write.ledger, "finish", lambda *_: 1 / 0)
        write.write_waiting()
    assert not IngestEpoch.objects.exists()
    queued(1, body_of(samples, sent_ns=behind + 90 * 10**9), received_ns=received + 5 * 10**9)
    write.write_waiting()
    assert total_of(host, "load1") == 3.0


def test_times_after_their_own_sending_are_taken_as_read_just_then(host, queued):
    now = time.time_ns()
    queued(1, body_of([points("load1", [1.0], end_ns=now + 48 * HOUR_NS)], sent_ns=now), received_ns=now)
    write.write_waiting()
    found = series.read(series.find([host.pk], "load1"), now - 10**9, now + 10**9)
    assert len(found) == 1
    assert HostEvent.objects.get(kind="future_times_clamped").fields == {"rows": "1"}


def test_data_past_its_retention_is_dropped_and_told(host, queued):
    old = time.time_ns() - 400 * 24 * HOUR_NS
    queued(1, body_of([points("load1", [1.0], end_ns=old), stacks({("main",): 1}, end_ns=old)]))
    write.write_waiting()
    assert HostEvent.objects.get(kind="expired_data_dropped").fields == {"rows": "2"}
    assert ledger.committed_seq(host.pk, EPOCH) == 1


def test_samples_of_unknown_kinds_and_points_that_are_no_numbers_are_skipped_and_counted(host, queued):
    known = wire.encode_item(point_table([points("load1", [1.0, float("nan"), float("inf")])]))
    endless = wire.Histogram("rtt", {}, time.time_ns(), "loglin4", {3: 1}, float("inf"), 1)
    strange = msgspec.Raw(msgspec.msgpack.encode({"kind": "hologram", "depth": 3}))
    queued(1, envelope_of(payload.pack([known, wire.encode_item(endless), strange])))
    write.write_waiting()
    assert IngestEpoch.objects.get().skipped_samples == 4
    assert total_of(host, "load1") == 1.0


def test_a_fact_that_changes_leaves_a_trace_and_a_late_one_does_not_turn_it_back(host, queued):
    now = time.time_ns()
    for seq, value, age in ((1, "128", 60), (2, "4096", 30), (3, "128", 45), (4, "4096", 0)):
        queued(seq, body_of([wire.Fact("sysctl.net.core.somaxconn", value, now - age * 10**9)], seq=seq))
        write.write_waiting()
    assert Fact.objects.get().value == "4096"
    assert [(one.before, one.after) for one in FactChange.objects.all()] == [("128", "4096")]


def test_an_older_batch_does_not_turn_back_a_probes_state(host, queued):
    now = time.time_ns()
    for seq, ok, age in ((2, False, 0), (1, True, 10)):
        sent = now - age * 10**9
        queued(
            seq, body_of([wire.ProbeStatus("cpu", ok, "", 0.0, 0)], seq=seq, sent_ns=sent), received_ns=sent
        )
        write.write_waiting()
    assert not ProbeState.objects.get().ok
    host.refresh_from_db()
    assert host.last_seen_at.timestamp() == pytest.approx(now / 1e9, abs=0.01)


def test_a_stored_capture_is_told_of_and_a_foreign_one_is_skipped(host, queued, sent_tasks):
    capture = Capture.objects.create(host=host, seconds=10, hz=100, requested_by="oskar")
    queued(
        1, body_of([stacks({("main",): 5}, capture_id=capture.pk), stacks({("main",): 9}, capture_id="X")])
    )
    write.write_waiting()
    told = [args for name, args in sent_tasks if name == "diagnose.tasks.complete_capture"]
    assert [(args[0], args[1], args[4]) for args in told] == [(capture.pk, "shop", 5)]
    assert profile_total() == 0
    assert IngestEpoch.objects.get().skipped_samples == 1


def test_evaluation_is_asked_for_once_in_a_while(host, queued, sent_tasks):
    for seq in (1, 2, 3):
        queued(seq, body_of([points("load1", [1.0])], seq=seq))
        write.write_waiting()
    assert [name for name, _ in sent_tasks].count("diagnose.tasks.evaluate_due") == 1
    assert evaluations.waiting()


def test_deep_long_and_odd_names_are_absorbed(host, queued):
    deep = tuple(f"f{n % 50}" for n in range(5_000))
    odd = ("name\0with nul", "n" * 5_000, "")
    queued(1, body_of([stacks({deep: 1, odd: 2, (): 4}), points("load1", [1.0], cmd="x" * 9_000)]))
    write.write_waiting()
    now = time.time_ns()
    merged = profiles.merge(profiles.Selector("shop", "cpu"), now - HOUR_NS, now)
    assert merged.counts.sum() == 7
    assert flamegraph.build("shop", merged, cut=0).depth.max() == 2_000
    assert {row.self for row in flamegraph.top("shop", merged)} >= {1, 2}


def test_payloads_of_hosts_that_were_removed_are_ignored(host, queued):
    queued(1, body_of([points("load1", [1.0])]))
    host.delete()
    write.write_waiting()
    assert not IngestEpoch.objects.exists()
