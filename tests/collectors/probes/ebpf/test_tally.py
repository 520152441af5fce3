"""From cells to series: equal labels add up, and the many small ones are told together."""

from __future__ import annotations

from collectors.ebpf.cells import Cell
from collectors.probes.ebpf import tally


def name(group: bytes):
    return (("dst", group.decode()), ("error", "EPIPE"))


def test_cells_of_groups_with_the_same_labels_add_up():
    cells = [Cell(0, 3, b"a", 2, 500), Cell(0, 3, b"b", 1, 100), Cell(0, 9, b"a", 4, 10**9)]
    found = tally.tallies(cells, lambda _: (("service", "shop"),))
    (histogram,) = tally.histograms("wait_seconds", "loglin4", 7, found)
    assert (histogram.labels, histogram.time, histogram.scheme) == ({"service": "shop"}, 7, "loglin4")
    assert histogram.buckets == {3: 3, 9: 4}
    assert (histogram.count, histogram.sum) == (7, 1.0000006)


def test_beyond_the_bound_the_smallest_are_told_together_and_nothing_is_dropped():
    cells = [Cell(0, 0, str(at).encode(), at + 1, 0) for at in range(20_000)]
    found = tally.tallies(cells, name)
    assert len(found) == tally.MOST_SERIES + 1
    assert sum(each.count for each in found.values()) == sum(range(1, 20_001))
    assert found[(("dst", "other"), ("error", "EPIPE"))].count == sum(range(1, 20_001 - tally.MOST_SERIES))
    assert found[(("dst", "19999"), ("error", "EPIPE"))].count == 20_000


def test_of_one_label_the_busiest_within_another_are_told_by_name():
    cells = [Cell(0, 0, f"{listener} /{at}".encode(), at + 1, 0) for listener in "ab" for at in range(9)]
    cells.append(Cell(0, 0, b"a other", 5, 0))

    def labels(group: bytes):
        listener, route = group.decode().split()
        return (("listener", listener), ("route", route))

    found = tally.tallies(cells, labels, tally.Limit("route", within="listener", most=3))
    assert {labels: each.count for labels, each in found.items()} == {
        (("listener", "a"), ("route", "/8")): 9,
        (("listener", "a"), ("route", "/7")): 8,
        (("listener", "a"), ("route", "/6")): 7,
        (("listener", "a"), ("route", "other")): 21 + 5,
        (("listener", "b"), ("route", "/8")): 9,
        (("listener", "b"), ("route", "/7")): 8,
        (("listener", "b"), ("route", "/6")): 7,
        (("listener", "b"), ("route", "other")): 21,
    }


def test_counts_are_increases_of_counters():
    found = tally.tallies([Cell(0, 0, b"a", 3, 0)], name)
    (points,) = tally.counts("failures_total", 9, found)
    assert (points.counter, points.values, points.times) == (True, [3.0], [9])
