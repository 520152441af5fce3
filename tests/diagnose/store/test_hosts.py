"""What the pages ask of hosts."""

from __future__ import annotations

from datetime import UTC, datetime

from diagnose.models import Fact, FactChange, Host, IngestEpoch, IngestGap, ProbeState, QuarantinedBatch
from diagnose.store import facts, hosts

AT = datetime(2026, 7, 1, 12, tzinfo=UTC)
AT_NS = int(AT.timestamp()) * 10**9


def test_hosts_carry_their_numbers_in_few_queries(host, django_assert_max_num_queries):
    Host.objects.create(identity="f" * 32, name="db-1")
    ProbeState.objects.create(host=host, probe="cpu", ok=False, reason="no /proc", updated_at=AT)
    IngestGap.objects.create(host=host, epoch="e", first_seq=3, last_seq=5)
    IngestGap.objects.create(host=host, epoch="e", first_seq=9, last_seq=9)
    IngestEpoch.objects.create(host=host, epoch="e", skipped_samples=2)
    QuarantinedBatch.objects.create(host=host, error="broken", payload=b"")
    with django_assert_max_num_queries(5):
        first, second = hosts.hosts()
    assert (first.name, first.failing_probes, first.lost_batches) == ("db-1", 0, 0)
    assert (second.failing_probes, second.quarantined_batches, second.lost_batches, second.skipped_samples) == (
        1, 1, 4, 2,
    )  # fmt: skip
    assert hosts.host(host.pk) == second
    assert hosts.host(0) is None
    assert hosts.probes(host.pk)[0].reason == "no /proc"
    assert [gap.first_seq for gap in hosts.gaps(host.pk)] == [9, 3]
    assert hosts.quarantined(host.pk)[0].error == "broken"


def test_facts_and_their_changes_in_a_range(host):
    Fact.objects.create(host=host, name="sysctl.net.core.somaxconn", value="4096", since=AT)
    FactChange.objects.create(host=host, name="sysctl.net.core.somaxconn", before="128", after="4096", at=AT)
    assert [(fact.name, fact.value) for fact in facts.facts(host.pk)] == [
        ("sysctl.net.core.somaxconn", "4096")
    ]
    assert [one.before for one in facts.changes(host.pk, AT_NS, AT_NS + 1_000_000)] == ["128"]
    assert facts.changes(host.pk, AT_NS - 10**9, AT_NS) == []
