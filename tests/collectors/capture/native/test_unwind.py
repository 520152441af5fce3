"""Tables of real files, against what binutils reads in them; broken ones; and walks of stacks made by hand."""

from __future__ import annotations

import random
import re
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from collectors.capture.native.cfi import Tables
from collectors.capture.native.cfirows import RBP, RSP, SAME, UNDEFINED, Row
from collectors.capture.native.debugfiles import opened
from collectors.capture.native.unwind import MOST_FRAMES, Registers, Unwinder
from collectors.processes.elf import Elf, Memory, NotElf

pytestmark = pytest.mark.program("readelf")

_FUNCTION = re.compile(r"FDE .* pc=([0-9a-f]+)\.\.([0-9a-f]+)")
_BASES = {"rsp": RSP, "rbp": RBP}


def said_by_readelf(file: Path) -> Iterator[tuple[int, dict[str, str]]]:
    """Where each row of each function begins, and its columns; but those that keep a register in another, as longjmp.

    It ends with 1 where a debug file is missing.
    """
    text = subprocess.run(["readelf", "-wF", str(file)], capture_output=True, text=True).stdout
    columns: list[str] = []
    in_function = False
    for line in text.splitlines():
        words = line.split()
        if " FDE " in line or " CIE " in line:
            in_function = " FDE " in line
        elif words[:1] == ["LOC"]:
            columns = words
        elif in_function and len(words) == len(columns) and re.fullmatch(r"[0-9a-f]{16}", words[0]):
            yield int(words[0], 16), dict(zip(columns[1:], words[1:], strict=True))


def expected(columns: dict[str, str]) -> Row | None:
    """None for what is refused: expressions, and frames that begin at another register."""
    base = re.fullmatch(r"(\w+)\+(\d+)", columns["CFA"])
    if base is None or base[1] not in _BASES or "exp" in (columns.get("rbp"), columns["ra"]):
        return None
    saved = columns.get("rbp", "u")
    rbp = int(saved[1:]) if saved.startswith("c") else SAME
    returns_to = UNDEFINED if columns["ra"] == "u" else int(columns["ra"][1:])
    return Row(_BASES[base[1]], int(base[2]), rbp, returns_to)


@pytest.fixture(scope="module")
def c_library() -> Path:
    return next(Path("/usr/lib").glob("*/libc.so.6"))


@pytest.mark.skipif(not list(Path("/usr/lib").glob("x86_64*")), reason="tables are read on x86-64")
def test_every_row_of_the_c_library_is_as_binutils_reads_it(c_library):
    tables = Tables(Elf(opened(str(c_library))))
    compared = 0
    for at, columns in said_by_readelf(c_library):
        wanted = expected(columns)
        if wanted is not None and columns.get("rbp") != "exp":
            assert tables.row_at(at) == wanted, (hex(at), columns)
            compared += 1
    assert compared > 5_000


def test_what_lies_between_functions_is_not_covered(in_c):
    tables = Tables(Elf(opened(str(in_c))))
    assert not tables.covers(0)
    assert not tables.covers(1 << 40)
    assert tables.row_at(1 << 40) is None


@pytest.mark.parametrize("seed", range(100))
def test_broken_tables_are_refused_and_do_no_harm(in_c, seed):
    chance = random.Random(seed)
    whole = Elf(opened(str(in_c)))
    sections = {section.name: section for section in whole.sections()}
    image = bytearray(in_c.read_bytes())
    for name in (".eh_frame", ".eh_frame_hdr"):
        section = sections[name]
        for _ in range(chance.randrange(1, 12)):
            image[section.offset + chance.randrange(section.size)] = chance.randrange(256)
    try:
        tables = Tables(Elf(Memory(bytes(image))))
    except NotElf:
        return
    for address in range(0x1000, 0x1400, 7):
        tables.row_at(address)
        tables.covers(address)


class Nowhere:
    """A process of which nothing is known but that there is code."""

    def module_at(self, address):
        return None

    def mapping_at(self, address):
        return address >= 0x1000


def framed(words: list[int]) -> bytes:
    return b"".join(word.to_bytes(8, "little") for word in words)


def test_a_chain_of_frame_pointers_is_followed_to_its_end():
    stack = framed([0x7010, 0x1111, 0x7020, 0x2222, 0, 0])
    walked = Unwinder(Nowhere()).walk(Registers(0x1000, 0x7000, 0x7000), stack)
    assert walked.addresses == (0x1000, 0x1111, 0x2222)
    assert walked.whole


@pytest.mark.parametrize(
    ("bp", "words"),
    [
        (0x7000, [0x7000, 0x1111]),  # it points to itself
        (0x6000, [0x7010, 0x1111]),  # below the stack
        (0x7008, [1, 2]),  # its end is outside of what was copied
        (1 << 63, [1, 2]),
    ],
)
def test_a_broken_chain_ends_the_walk(bp, words):
    walked = Unwinder(Nowhere()).walk(Registers(0x1000, 0x7000, bp), framed(words))
    assert len(walked.addresses) <= 2
    assert not walked.whole


def test_a_stack_without_an_end_is_cut():
    words = [word for at in range(400) for word in (0x7010 + 16 * at, 0x1111)]
    walked = Unwinder(Nowhere()).walk(Registers(0x1000, 0x7000, 0x7000), framed(words))
    assert len(walked.addresses) == MOST_FRAMES
    assert not walked.whole
