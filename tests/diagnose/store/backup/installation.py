"""An installation that collectors write to, and all of it as its questions answer: to compare before and after."""

from __future__ import annotations

import os
import time
from collections.abc import Iterable
from typing import Any

from collectors import wire
from diagnose.ingest import ledger, write
from diagnose.ingest.pending import Waiting
from diagnose.models import Fact, Finding, Host, HostEvent, IngestGap, Series, User
from diagnose.store import dictionary, flamegraph, profiles, series, serieskeys, trie
from tests.batches import EPOCH, body_of
from tests.diagnose.ingest.conftest import points, stacks

# Given where several processes have to mean the same batches.
NOW_NS = int(os.environ.get("DIAGNOSE_TEST_NOW_NS", time.time_ns()))
DAY_NS = 86_400 * 10**9
SPAN = (NOW_NS - 9 * DAY_NS, NOW_NS + DAY_NS)
SERVICES = ("shop", "stock", "pay")


def batch(host: Host, seq: int, oldest_seq: int) -> bytes:
    """Of its own stacks, series and events, hours to days before now; the same every time it is asked for."""
    end_ns = NOW_NS - seq * 3 * 3600 * 10**9 % (6 * DAY_NS)
    service = SERVICES[seq % len(SERVICES)]
    samples: list[wire.Sample] = [
        stacks({("main", f"f{seq}"): seq, ("main", "shared"): 1}, service=service, end_ns=end_ns),
        points("load1", [float(seq), 0.1 * seq], end_ns, number=str(seq % 7)),
        points("counted_total", [1.0], end_ns),
        wire.Fact("kernel.release", f"6.{seq}", NOW_NS + seq),
        wire.Event("process_appeared", NOW_NS - seq, {"seq": str(seq)}),
        wire.Histogram("tcp_rtt_seconds", {}, end_ns, "loglin20", {seq % 9: 2}, 0.5, 2),
    ]
    return body_of(samples, seq=seq, oldest_seq=oldest_seq, host=host.identity, sent_ns=NOW_NS)


def deliver(host: Host, seqs: Iterable[int], oldest_seq: int = 1) -> None:
    """As a worker takes them from the queue, one by one."""
    for seq in seqs:
        write.write([Waiting(host.pk, EPOCH, seq, batch(host, seq, oldest_seq), NOW_NS)])


def forget_everything() -> None:
    """What a process remembers: after a restore there is another one."""
    dictionary._known.clear()
    serieskeys._known.clear()
    trie._tries.clear()


def everything() -> dict[str, Any]:
    """What is stored, by names and not by numbers."""
    answers: dict[str, Any] = {}
    for service in SERVICES:
        merged = profiles.merge(profiles.Selector(service, "cpu"), *SPAN)
        answers[service] = sorted((row.name, row.self, row.total) for row in flamegraph.top(service, merged))
    for metric in sorted(set(Series.objects.values_list("metric", flat=True))):
        refs = series.find(list(Host.objects.values_list("pk", flat=True)), metric)
        read = series.read(refs, *SPAN)
        lines = {
            (ref.host_id, tuple(sorted(ref.labels.items()))): tuple(map(tuple, read[ref.id]))
            for ref in refs
            if ref.id in read
        }
        answers[metric] = dict(sorted(lines.items()))
    for model, columns in (
        (Host, ("pk", "identity", "name", "enrolled_at", "last_seen_at", "clock_skew_seconds")),
        (Fact, ("host_id", "name", "value", "since")),
        (HostEvent, ("host_id", "kind", "at", "fields")),
        (Finding, ("pk", "rule", "headline", "detail", "opened_at", "last_seen_at", "rank")),
        (IngestGap, ("host_id", "epoch", "first_seq", "last_seq", "declared_at")),
        (User, ("pk", "username", "password", "role")),
    ):
        answers[model.__name__] = list(model._default_manager.order_by("pk").values_list(*columns))
    answers["marks"] = {host.pk: ledger.committed_seq(host.pk, EPOCH) for host in Host.objects.all()}
    return answers
