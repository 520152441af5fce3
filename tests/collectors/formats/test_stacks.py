"""Foreign profiles become the collector's own; cumulative ones as increases that hold over restarts."""

from __future__ import annotations

import pytest

from collectors.columns import StackSample
from collectors.formats import pprof
from collectors.formats.profile import BadProfile, Profile, Sample
from collectors.formats.stacks import Increases, Meaning, Span, to_wire, values_of
from tests.collectors.formats import messages

CPU = Meaning("samples", "cpu", "samples")
HEAP_TYPES = (("alloc_space", "bytes"), ("inuse_space", "bytes"))
ALLOCATED = Meaning("alloc_space", "alloc_space", "bytes")
SPAN = Span("shop", {"pid": "7"}, 100, 200)


def heap(**stacks: int) -> Profile:
    return pprof.read(messages.pprof({name: (value, 1) for name, value in stacks.items()}, HEAP_TYPES))


def told(increases: Increases, profile: Profile) -> dict[str, int] | None:
    found = increases.of(profile, values_of(profile, ALLOCATED))
    if found is None:
        return None
    names = [profile.frames[profile.stacks[sample.stack][0]].name for sample in profile.samples]
    return {name: value for name, value in zip(names, found, strict=True) if value}


def test_a_sampled_profile_keeps_its_period_and_its_samples():
    profile = pprof.read(messages.pprof({"main;a": (7, 70), "main;b": (3, 30), "main;c": (0, 0)}))
    found = to_wire(profile, values_of(profile, CPU), CPU, SPAN)
    assert (found.type, found.unit, found.period) == ("cpu", "samples", 10_000_000)
    assert (found.service, found.labels, found.start_ns, found.end_ns) == ("shop", {"pid": "7"}, 100, 200)
    thread = found.strings.index("")
    assert found.columns.sample_list() == [
        StackSample(0, thread, 7, "active"),
        StackSample(1, thread, 3, "active"),
    ]
    assert [found.strings[frame.name] for frame in found.columns.frame_list()] == ["main", "a", "b", "c"]


def test_the_same_stack_in_several_samples_is_told_once():
    profile = pprof.read(messages.pprof({"main": (2, 2)}))
    profile.samples.append(Sample(0, (5, 5)))
    assert to_wire(profile, values_of(profile, CPU), CPU, SPAN).columns.total == 7


def test_a_value_that_the_profile_lacks_is_named():
    with pytest.raises(BadProfile, match="has alloc_space, inuse_space, and no samples"):
        values_of(heap(main=1), CPU)


def test_the_first_reading_only_begins_and_the_next_tells_what_rose():
    increases = Increases()
    assert told(increases, heap(a=100, b=50)) is None
    assert told(increases, heap(a=130, b=50, c=7)) == {"a": 30, "c": 7}
    assert told(increases, heap(a=130, b=50, c=7)) == {}


@pytest.mark.parametrize("after", [{"a": 40, "b": 10}, {"a": 40}, {"c": 9}, {}])
def test_after_a_restart_all_that_the_new_process_has_is_new(after):
    increases = Increases()
    told(increases, heap(a=100, b=50))
    assert told(increases, heap(**after)) == after
    grown = {**after, "d": 3}
    assert told(increases, heap(**grown)) == {"d": 3}


def test_a_stack_that_comes_in_several_samples_rises_once():
    increases, profile = Increases(), heap(a=10)
    profile.samples.append(Sample(0, (5, 0)))
    assert told(increases, profile) is None
    again = heap(a=12)
    again.samples.append(Sample(0, (9, 0)))
    assert sum(increases.of(again, values_of(again, ALLOCATED)) or []) == 6
