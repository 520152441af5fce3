"""Functions of Go programs are found where its own tools find them, and nothing is found in what is broken."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from collectors.processes import gofunctions
from collectors.processes.gofunctions import Unknown, offsets
from tests.collectors import goprograms
from tests.collectors.goprograms import built

NAMES = ["net/http.serverHandler.ServeHTTP", "runtime.stopTheWorldWithSema", "main.main", "main.none"]


def by_nm(program: Path) -> dict[str, int]:
    lines = subprocess.run(["go", "tool", "nm", program], capture_output=True, text=True, check=True).stdout
    rows = [line.split(maxsplit=2) for line in lines.splitlines()]
    return {row[2]: int(row[0], 16) for row in rows if len(row) == 3 and row[2] in NAMES}


@goprograms.needs_go
def test_functions_are_where_the_tools_of_go_find_them():
    """A program that is loaded where it was linked: its code is at 0x400000 and the file's beginning."""
    found = offsets(str(built("timed")), NAMES)
    assert {name: offset + 0x400000 for name, offset in found.items()} == by_nm(built("timed"))
    assert found.keys() == set(NAMES[:3])


@goprograms.needs_go
def test_a_stripped_program_has_them_at_the_same_places():
    stripped = built("timed", "-ldflags=-s -w")
    assert stripped.stat().st_size < built("timed").stat().st_size
    assert offsets(str(stripped), NAMES) == offsets(str(built("timed")), NAMES)


@goprograms.needs_go
@pytest.mark.system
def test_a_program_for_another_machine_is_read_too():
    assert offsets(str(built("timed", GOARCH="arm64", CGO_ENABLED="0")), NAMES).keys() == set(NAMES[:3])


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"", "no 64-bit program"),
        (b"\x7fELF", "no 64-bit program"),
        (b"#!/bin/sh\n" + b" " * 100, "no 64-bit program"),
        (Path("/bin/ls").read_bytes(), "no table of functions"),
    ],
)
def test_what_is_no_program_of_go_is_said(tmp_path, content, words):
    (tmp_path / "program").write_bytes(content)
    with pytest.raises(Unknown, match=words):
        offsets(str(tmp_path / "program"), NAMES)


@goprograms.needs_go
@settings(max_examples=60, deadline=None)
@given(st.data())
def test_a_damaged_table_leads_nowhere_but_to_functions(data):
    """Where a byte of the headers or of the table was changed, what is found still begins as functions do."""
    content = bytearray(built("plain").read_bytes())
    table = content.find(b"\xf0\xff\xff\xff\x00\x00\x01\x08")
    at = data.draw(st.integers(0, 1000) | st.integers(table, table + 200))
    content[at] = data.draw(st.integers(0, 255))
    damaged = built("plain").with_name("damaged")
    damaged.write_bytes(content)
    try:
        found = offsets(str(damaged), NAMES)
    except Unknown:
        return
    for offset in found.values():
        assert content[offset : offset + 4] in gofunctions._BEGINNINGS[62]
