"""Which sets of labels get sums of their own: bounded, whatever lives how shortly."""

from __future__ import annotations

from collections import Counter

from hypothesis import given, settings
from hypothesis import strategies as st

from diagnose.store import labelsets
from diagnose.store.labelsets import carries, levels_of, sum_of, summed_under, text_of

A, B = text_of({"version": "1"}), text_of({"version": "2"})


def of_pid(pid: int, **labels: str) -> str:
    return text_of({"pid": str(pid), **labels})


def test_one_set_has_one_text_whatever_its_order():
    assert text_of({"b": "ü", "a": "1"}) == text_of({"a": "1", "b": "ü"}) == '{"a":"1","b":"ü"}'


def test_a_set_carries_its_own_labels_and_none_others():
    assert carries(A, [("version", "1")])
    assert carries(A, [])
    assert not carries(A, [("version", "2")])
    assert not carries(A, [("version", "1"), ("pid", "1")])


def test_busy_processes_have_their_own_sums_and_short_lived_ones_share_one():
    profiles = {of_pid(1, version="1"): 360, of_pid(2, version="1"): 3, of_pid(3, version="2"): 1, B: 5}
    under = summed_under(profiles)
    assert under == {
        of_pid(1, version="1"): of_pid(1, version="1"),
        of_pid(2, version="1"): A,
        of_pid(3, version="2"): B,
        B: B,
    }


def test_of_many_busy_processes_the_busiest_have_their_own_sums():
    under = summed_under({of_pid(pid): 100 + pid for pid in range(1, 200)})
    assert len(set(under.values())) == labelsets._MOST_SHORT_LIVED + 1
    assert under[of_pid(199)] == of_pid(199)
    assert under[of_pid(1)] == "{}"


SETS = st.dictionaries(st.sampled_from(["pid", "version", "endpoint"]), st.sampled_from("abc")).map(text_of)


@settings(deadline=None)
@given(st.dictionaries(SETS, st.integers(1, 400), max_size=30))
def test_each_profile_is_found_under_the_first_of_its_levels_that_has_a_sum(profiles):
    under = summed_under(profiles)
    sums = set(under.values())
    assert under.keys() == profiles.keys()
    for labels, level in under.items():
        assert sum_of(labels, sums) == level
        assert level in levels_of(labels)
        assert carries(labels, labelsets.items_of(level))


@settings(deadline=None, max_examples=20)
@given(st.integers(1, 3_000), st.sampled_from(["pid", "endpoint"]))
def test_however_many_sets_there_are_their_sums_stay_few(number, name):
    under = summed_under({text_of({name: str(value)}): 20 for value in range(number)})
    assert len(set(under.values())) <= labelsets._MOST_SHORT_LIVED + labelsets._MOST_SETS + 1


def test_no_profile_is_counted_twice_or_lost():
    profiles = {of_pid(pid, endpoint=str(pid % 90)): pid % 30 + 1 for pid in range(500)}
    under = summed_under(profiles)
    summed = Counter()
    for labels, number in profiles.items():
        summed[under[labels]] += number
    assert sum(summed.values()) == sum(profiles.values())
