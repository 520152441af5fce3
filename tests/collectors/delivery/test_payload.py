"""Spool files: what fits into one, what is cut up, what a spoiled one becomes."""

from __future__ import annotations

import os

from collectors.delivery import payload
from collectors.wire import Event, Fact, encode_item
from tests.batches import unpacked as decoded


def fact(size: int):
    return encode_item(Fact("blob", os.urandom(size // 2).hex(), 1))


def test_samples_survive_packing():
    raws = [fact(10), fact(20)]
    assert decoded(payload.unpack(payload.pack(raws))) == decoded(raws)


def test_many_samples_are_split_below_the_servers_bound():
    raws = [fact(1_000_000) for _ in range(8)]
    parts = list(payload.split(raws))
    assert len(parts) > 1
    assert all(len(part) <= payload.MAX_COMPRESSED_BYTES for part in parts)
    assert [s for part in parts for s in decoded(payload.unpack(part))] == decoded(raws)


def test_no_samples_make_no_file():
    assert list(payload.split([])) == []


def test_a_sample_that_the_server_can_never_take_becomes_an_event():
    (part,) = payload.split([fact(12_000_000)])
    (event,) = decoded(payload.unpack(part))
    assert isinstance(event, Event)
    assert event.event == "sample_too_large"


def test_a_large_sample_that_compresses_well_travels_alone():
    large = encode_item(Fact("blob", "x" * 8_000_000, 1))
    parts = list(payload.split([fact(10), large, fact(10)]))
    assert sum(len(payload.unpack(part)) for part in parts) == 3
    assert all(isinstance(s, Fact) for part in parts for s in decoded(payload.unpack(part)))


def is_told_as_spoiled(data: bytes) -> bool:
    found = decoded(payload.unpack(payload.readable(data)))
    return [sample.event for sample in found if isinstance(sample, Event)] == ["spool_file_unreadable"]


def test_a_file_cut_off_anywhere_becomes_an_event_that_says_so():
    whole = payload.pack([fact(100), fact(3000)])
    assert all(is_told_as_spoiled(whole[:length]) for length in range(len(whole)))


def test_a_flipped_bit_anywhere_becomes_an_event_or_changes_nothing():
    raws = [fact(100), fact(300)]
    whole = payload.pack(raws)
    for place in range(len(whole)):
        flipped = bytearray(whole)
        flipped[place] ^= 1 << place % 8
        spoiled = is_told_as_spoiled(bytes(flipped))
        assert spoiled or decoded(payload.unpack(bytes(flipped))) == decoded(raws), place


def test_halving_loses_no_sample():
    raws = [fact(10) for _ in range(5)]
    first, second = payload.halve(payload.pack(raws))
    assert decoded([*payload.unpack(first), *payload.unpack(second)]) == decoded(raws)


def test_a_single_sample_that_cannot_be_halved_becomes_an_event():
    first, second = payload.halve(payload.pack([fact(10)]))
    assert second == b""
    assert isinstance(decoded(payload.unpack(first))[0], Event)
