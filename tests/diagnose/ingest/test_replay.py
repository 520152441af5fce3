"""A bundle becomes a host of this installation, once, with its times moved to now."""

from __future__ import annotations

import time

import pytest

from collectors import bundle as bundles
from collectors import wire
from diagnose.ingest.content import Malformed
from diagnose.ingest.replay import replay
from diagnose.models import Host
from diagnose.store import facts, series
from tests.batches import body_of

pytestmark = pytest.mark.django_db
DAY_NS = 86_400 * 10**9


def bundle(*samples: wire.Sample, age_ns: int = 0) -> bytes:
    made_ns = time.time_ns() - age_ns
    body = body_of(samples, host="web-1", sent_ns=made_ns)
    return bundles.encode(bundles.Bundle(wire.VERSION, "web-1", made_ns, "test", [body]))


def test_an_old_bundle_is_stored_as_if_it_was_made_now(valkey, data_dir):
    made_ns = time.time_ns() - 400 * DAY_NS
    data = bundle(
        wire.Points("load1", {}, [made_ns - 10**10, made_ns], [1.0, 2.0]),
        wire.Fact("cpu.count", "4", made_ns),
        age_ns=400 * DAY_NS,
    )
    found = replay(data)
    (ref,) = series.find([found.host.pk], "load1")
    times, values = series.read([ref], 0, time.time_ns() + 10**9)[ref.id]
    assert values.tolist() == [1.0, 2.0]
    assert abs(int(times[-1]) - found.end_ns) < 10**9
    assert [each.value for each in facts.facts(found.host.pk)] == ["4"]
    assert found.host.name.startswith("web-1 (bundle ")


def test_the_same_file_twice_is_one_host_with_its_readings_once(valkey, data_dir):
    data = bundle(wire.Points("load1", {}, [time.time_ns()], [1.0]))
    assert replay(data).host == replay(data).host
    assert Host.objects.count() == 1
    (ref,) = series.find([], "load1")
    assert len(series.read([ref], 0, time.time_ns() + 10**10)[ref.id][0]) == 1


@pytest.mark.parametrize("data", [b"", b"PK\x03\x04", b"\x93\x01\x02", b"\xff" * 100])
def test_what_is_no_bundle_is_refused_with_how_to_make_one(data, data_dir):
    with pytest.raises(Malformed, match="diagnose-collector snapshot"):
        replay(data)
    assert Host.objects.count() == 0


def test_an_empty_bundle_says_what_happened(data_dir):
    empty = bundles.encode(bundles.Bundle(wire.VERSION, "web-1", 1, "test", []))
    with pytest.raises(Malformed, match="is empty"):
        replay(empty)
