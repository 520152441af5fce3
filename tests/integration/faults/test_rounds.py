"""What the rounds themselves rest on: a plan that repeats, a record that survives, a judge that sees each defect."""

from __future__ import annotations

from collections import Counter

import pytest

from tests.integration.faults.rounds import Outcome, Record, planned
from tests.integration.faults.tally import Tally, complaints

WHOLE = [1, 2, 3]


def tally(**parts) -> Tally:
    fields = {"points": WHOLE, "histograms": WHOLE, "profiles": WHOLE, "events": WHOLE}
    return Tally(**{"committed": 3, "gaps": [], "quarantined": 0, **fields, **parts})


def test_a_seed_gives_the_same_rounds_and_another_seed_others():
    assert planned(1, 50, ["web", "worker", "queue"]) == planned(1, 50, ["web", "worker", "queue"])
    assert planned(1, 50, ["web", "worker", "queue"]) != planned(2, 50, ["web", "worker", "queue"])


def test_victims_take_turns():
    struck = Counter(one.victim for one in planned(7, 50, ["web", "worker", "queue"]))
    assert sorted(struck.values()) == [16, 17, 17]


def test_a_stopped_run_goes_on_with_the_round_that_was_not_finished(tmp_path):
    rounds = planned(1, 5, ["web"])
    Record(tmp_path / "rounds.json").add(Outcome(1, "web", 2.5, 40))
    again = Record(tmp_path / "rounds.json")
    assert [one.number for one in again.left(rounds)] == [2, 3, 4, 5]
    assert again.outcomes == [Outcome(1, "web", 2.5, 40)]


def test_what_is_written_and_not_committed_yet_is_in_order():
    assert complaints(tally()) == []
    assert complaints(tally(points=[*WHOLE, 5])) == []


@pytest.mark.parametrize("kind", ["points", "histograms", "profiles", "events"])
def test_what_is_missing_or_doubled_is_named(kind):
    assert complaints(tally(**{kind: [1, 3]})) == [f"{kind} without 2"]
    assert complaints(tally(**{kind: [*WHOLE, 4, 4]})) == [f"{kind} more than once: 4"]


def test_gaps_and_quarantined_batches_are_complaints():
    assert complaints(tally(gaps=[2], quarantined=2)) == ["given up: 2", "2 batches in quarantine"]


def test_where_batches_may_be_lost_the_gap_has_to_be_declared():
    lost = {kind: [1, 3] for kind in ("points", "histograms", "profiles", "events")}
    assert complaints(tally(**lost, gaps=[2]), may_lose=True) == []
    assert len(complaints(tally(**lost), may_lose=True)) == 4
