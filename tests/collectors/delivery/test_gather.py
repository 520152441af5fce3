"""Samples of an interval become encoded samples."""

from __future__ import annotations

from collectors.delivery.gather import MAX_BYTES, Gather
from collectors.wire import Event, Fact, Points, ProbeStatus
from tests.batches import unpacked as decoded


def test_readings_of_one_series_travel_as_one_sample():
    gather = Gather()
    for time in (1, 2, 3):
        gather.add("p", Points("queue", {"listener": ":80"}, [time], [time * 10.0]))
    gather.add("p", Points("queue", {"listener": ":81"}, [1], [5.0]))
    assert decoded(gather.take()) == [
        Points("queue", {"listener": ":80"}, [1, 2, 3], [10.0, 20.0, 30.0]),
        Points("queue", {"listener": ":81"}, [1], [5.0]),
    ]
    assert gather.take() == []


def test_gathering_leaves_the_probes_own_sample_alone():
    gather, own = Gather(), Points("queue", {}, [1], [1.0])
    gather.add("p", own)
    gather.add("p", Points("queue", {}, [2], [2.0]))
    assert own.times == [1]


def test_a_status_carries_its_probes_bytes_per_run():
    gather = Gather()
    for time in (1, 2):
        gather.add("p", Fact("a", "x" * 1000, time))
        gather.count_run("p")
    gather.add("p", ProbeStatus("p", True, "", 0.1, 0))
    status = decoded(gather.take())[-1]
    assert isinstance(status, ProbeStatus)
    assert 1000 < status.bytes < 1100


def test_a_sample_that_cannot_be_encoded_becomes_an_event_and_the_others_travel():
    gather = Gather()
    gather.add("p", Fact("name", "\udcff", 1))
    gather.add("p", Fact("name", "fine", 1))
    event, fine = decoded(gather.take())
    assert isinstance(event, Event)
    assert event.fields["probe"] == "p"
    assert isinstance(fine, Fact)


def test_what_is_held_in_memory_is_bounded_and_the_loss_is_told():
    gather = Gather()
    for number in range(MAX_BYTES // 1_000_000 + 5):
        gather.add("p", Fact(str(number), "x" * 1_000_000, 1))
    last = decoded(gather.take())[-1]
    assert isinstance(last, Event)
    assert last.event == "samples_lost"
    assert int(last.fields["samples"]) >= 3
