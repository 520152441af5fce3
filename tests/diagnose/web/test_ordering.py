"""Ordering a table by its columns."""

from diagnose.web.ordering import Column, ordered

COLUMNS = (
    Column("name", "Name", lambda row: row[0]),
    Column("size", "Size", lambda row: row[1], falling=True),
)
ROWS = [("b", 2), ("c", None), ("a", 9)]


def names(order):
    return [row[0] for row in ordered(ROWS, COLUMNS, order, "name")[0]]


def test_what_is_not_known_comes_last_either_way():
    assert names("size") == ["b", "a", "c"]
    assert names("-size") == ["a", "b", "c"]


def test_a_column_that_does_not_exist_is_the_default_order():
    assert names("password") == names("") == ["a", "b", "c"]


def test_a_second_click_turns_the_order_around():
    _, (name, size) = ordered(ROWS, COLUMNS, "-size", "name")
    assert (size.sort, size.order) == ("descending", "size")
    assert (name.sort, name.order) == ("", "name")
