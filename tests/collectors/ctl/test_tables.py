"""Rows in a terminal: set in columns, and nothing of a name moves the cursor."""

from collectors.ctl import tables


def test_columns_are_set_and_numbers_stand_right(capsys):
    tables.printed(("share", "what"), [["5 %", "a"], ["100 %", "bb"]], numbers=(0,))
    assert capsys.readouterr().out == "share  what\n  5 %  a\n100 %  bb\n"


def test_control_characters_and_lines_of_names_are_shown_as_such():
    assert tables.plain("a\x1b[2Jb\nc\u202e") == "a�[2Jb c�"
