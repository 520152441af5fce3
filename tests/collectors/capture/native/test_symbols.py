"""Names of addresses, against what the compiler, the linker and the kernel say of them."""

from __future__ import annotations

import os
import random
import shutil
import subprocess
from pathlib import Path

import pytest

from collectors.capture.native import mappings
from collectors.capture.native.debugfiles import opened
from collectors.capture.native.demangling import demangled
from collectors.capture.native.kallsyms import HIDDEN, Kallsyms
from collectors.capture.native.perfmap import PerfMap
from collectors.capture.native.symbols import UNMAPPED, Symbols
from collectors.capture.native.symboltable import SymbolTable
from collectors.processes.elf import Elf, Memory, NotElf
from tests.collectors.capture.native.programs import compiled, running

pytestmark = pytest.mark.program("gcc")


def table_of(program: Path) -> SymbolTable:
    table = SymbolTable()
    table.add(Elf(opened(str(program))))
    return table


def said_by_nm(program: Path) -> dict[str, tuple[int, int]]:
    """Address and size of each function that has a size."""
    lines = subprocess.run(["nm", "-S", str(program)], capture_output=True, text=True, check=True).stdout
    rows = [line.split() for line in lines.splitlines()]
    return {row[3]: (int(row[0], 16), int(row[1], 16)) for row in rows if len(row) == 4 and row[2] in "tT"}


def test_each_byte_of_a_function_has_its_name_and_the_one_behind_it_has_not(in_c):
    table, known = table_of(in_c), said_by_nm(in_c)
    assert {"seventy", "twenty", "ten", "handle", "serve", "main"} <= known.keys()
    for name, (start, size) in known.items():
        assert {table.name_at(address) for address in range(start, start + size)} == {name}
        assert table.name_at(start + size) != name
        assert table.name_at(start - 1) != name


def test_a_program_that_was_replaced_while_it_runs_keeps_its_own_names(in_c, tmp_path):
    program = tmp_path / "näme with blank"
    shutil.copy(in_c, program)
    with running(program) as process:
        program.unlink()
        shutil.copy("/bin/true", program)
        found = Symbols().process(process.pid)
        start = said_by_nm(in_c)["seventy"][0]
        frame = found.frame_at(loaded_at(process.pid, program) + start)
    assert (frame.name, frame.file) == ("seventy", str(program))


def loaded_at(pid: int, program: Path) -> int:
    """Where the first byte of a position-independent program lies."""
    for line in Path(f"/proc/{pid}/maps").read_text().splitlines():
        if str(program) in line:
            return int(line.partition("-")[0], 16)
    raise AssertionError(f"{program} is not mapped")


def test_symbols_that_the_linker_put_elsewhere_are_found_by_build_id(in_c, tmp_path):
    stripped = tmp_path / "stripped"
    subprocess.run(["strip", "-o", str(stripped), str(in_c)], check=True)
    assert table_of(stripped).name_at(said_by_nm(in_c)["seventy"][0]) is None
    build_id = Elf(opened(str(stripped))).build_id()
    assert len(build_id) == 40
    folder = Path("/usr/lib/debug/.build-id", build_id[:2])
    if os.geteuid() != 0:
        pytest.skip("needs root to put a debug file where distributions put them")
    made = not folder.exists()
    folder.mkdir(parents=True, exist_ok=True)
    file = folder / f"{build_id[2:]}.debug"
    try:
        subprocess.run(["objcopy", "--only-keep-debug", str(in_c), str(file)], check=True)
        with running(stripped) as process:
            address = loaded_at(process.pid, stripped) + said_by_nm(in_c)["seventy"][0]
            assert Symbols().process(process.pid).frame_at(address).name == "seventy"
    finally:
        file.unlink()
        if made:
            folder.rmdir()


@pytest.mark.program("go")
def test_a_stripped_go_program_is_named_by_its_own_table(tmp_path):
    whole = compiled(tmp_path, "shares.go", name="whole")
    stripped = compiled(tmp_path, "shares.go", "-ldflags=-s -w", name="stripped")
    table, known = table_of(stripped), table_of(whole)
    for name in ("main.seventy", "main.spend", "runtime.goexit"):
        start = said_by_nm_of_go(whole)[name]
        assert known.name_at(start) in {name, f"{name}.abi0"}
        assert table.name_at(start) == name


def said_by_nm_of_go(program: Path) -> dict[str, int]:
    lines = subprocess.run(
        ["go", "tool", "nm", str(program)], capture_output=True, text=True, check=True
    ).stdout
    rows = [line.split() for line in lines.splitlines()]
    return {row[2].removesuffix(".abi0"): int(row[0], 16) for row in rows if len(row) == 3}


def test_a_position_of_the_vdso_is_named():
    symbols = Symbols().process(os.getpid())
    vdso = next(
        each for each in mappings.parse(Path("/proc/self/maps").read_bytes()) if each.path == "[vdso]"
    )
    table = SymbolTable()
    with Path("/proc/self/mem").open("rb", buffering=0) as memory:
        memory.seek(vdso.start)
        table.add(Elf(Memory(memory.read(vdso.end - vdso.start))))
    names = {symbols.frame_at(vdso.start + start).name for start in table._starts}
    assert names & {"clock_gettime", "__vdso_clock_gettime"}
    assert symbols.frame_at(vdso.start + table._starts[0]).file == "[vdso]"


def test_what_is_mapped_nowhere_is_unknown_and_says_so():
    assert Symbols().process(os.getpid()).frame_at(0x10).name == UNMAPPED


def test_no_process_no_symbols():
    process = subprocess.Popen(["/bin/true"])
    process.wait()
    assert Symbols().process(process.pid) is None


@pytest.mark.parametrize("seed", range(200))
def test_a_broken_file_gives_no_names_and_no_failure(in_c, seed):
    """Cut off, or with bytes of its headers and tables changed."""
    chance = random.Random(seed)
    image = bytearray(in_c.read_bytes())
    if seed % 2:
        image = image[: chance.randrange(len(image))]
    header_places = [*range(16, 64), *range(len(image) - 2000, len(image))]
    for _ in range(8):
        if len(image) > 2100:
            image[chance.choice(header_places)] = chance.randrange(256)
    table = SymbolTable()
    try:
        table.add(Elf(Memory(bytes(image))))
    except NotElf:
        return
    for address in (0, 0x1139, 0x1200, 1 << 40):
        table.name_at(address)


def kernel_told(tmp_path: Path, text: str) -> Kallsyms:
    (tmp_path / "kallsyms").write_text(text)
    return Kallsyms(tmp_path)


def test_functions_of_the_kernel_are_named_and_those_of_modules_say_which(tmp_path):
    kernel = kernel_told(
        tmp_path,
        "ffffffff81000000 T _stext\n"
        "ffffffff81000100 t do_poll\n"
        "ffffffff810000f0 t __pfx_do_poll\n"
        "ffffffff81000200 D jiffies\n"
        "ffffffffc0002000 t nft_late\t[nf_tables]\n"
        "ffffffffc0001000 t nft_do_chain\t[nf_tables]\n",
    )
    assert kernel.name_at(0xFFFFFFFF81000104) == "do_poll"
    assert kernel.name_at(0xFFFFFFFF81000250) == "do_poll"
    assert kernel.name_at(0xFFFFFFFFC0001010) == "nft_do_chain [nf_tables]"


def test_hidden_addresses_of_the_kernel_say_why(tmp_path):
    kernel = kernel_told(tmp_path, "0000000000000000 T _stext\n0000000000000000 t do_poll\n")
    assert kernel.name_at(0xFFFFFFFF81000104) == f"[{HIDDEN}]"


def test_a_kernel_that_may_not_be_asked_says_why(tmp_path):
    assert "cannot be read" in Kallsyms(tmp_path).name_at(0xFFFFFFFF81000104)


def jit(tmp_path: Path, text: str, pid: int = 7) -> PerfMap:
    (tmp_path / f"{pid}/root/tmp").mkdir(parents=True)
    (tmp_path / f"{pid}/status").write_text(f"Name:\tnode\nNSpid:\t{pid}\t12\n")
    (tmp_path / f"{pid}/root/tmp/perf-12.map").write_text(text)
    return PerfMap(tmp_path, pid)


def test_code_that_a_runtime_made_has_the_name_it_told_in_its_own_namespaces(tmp_path):
    told = jit(tmp_path, "1000 20 LazyCompile:~größe app.js:3\nbroken line\n1020 8 second\n")
    assert told.name_at(0x101F) == "LazyCompile:~größe app.js:3"
    assert told.name_at(0x1020) == "second"
    assert told.name_at(0x1028) is None
    assert told.name_at(0xFFF) is None


@pytest.mark.root(to="give a file to somebody else")
def test_a_map_that_somebody_else_wrote_is_not_believed(tmp_path):
    told = jit(tmp_path, "1000 20 lies\n")
    os.chown(tmp_path / "7/root/tmp/perf-12.map", 12345, 12345)
    assert told.name_at(0x1000) is None


def test_a_map_that_is_a_pipe_or_a_link_does_not_hold_us_up(tmp_path):
    told = jit(tmp_path, "")
    path = tmp_path / "7/root/tmp/perf-12.map"
    path.unlink()
    os.mkfifo(path)
    assert told.name_at(0x1000) is None
    path.unlink()
    path.symlink_to("/etc/passwd")
    assert PerfMap(tmp_path, 7).name_at(0x1000) is None


@pytest.mark.parametrize(
    ("mangled", "name"),
    [
        ("_ZN4shop6Basket5priceEiPKc", "shop::Basket::price(int, char const*)"),
        ("_ZN4core3fmt5Write9write_fmt17h0123456789abcdefE", "core::fmt::Write::write_fmt"),
        ("_RNvNtCs1234_7mycrate3foo3bar", "mycrate::foo::bar"),
        ("main.(*Basket).price", "main.(*Basket).price"),
        ("ngx_http_handler", "ngx_http_handler"),
        ("_Zbroken", "_Zbroken"),
    ],
)
def test_names_are_shown_as_people_wrote_them(mangled, name):
    assert demangled(mangled) == name


@pytest.mark.program("c++filt")
def test_every_function_of_the_cpp_library_is_named_as_binutils_names_it():
    library = next(Path("/usr/lib").glob("*/libstdc++.so.6"))
    listed = subprocess.run(
        ["nm", "-D", "--defined-only", str(library)], capture_output=True, text=True, check=True
    )
    mangled = [line.split()[-1].partition("@")[0] for line in listed.stdout.splitlines() if " T _Z" in line][
        ::10
    ]
    expected = subprocess.run(
        ["c++filt"], input="\n".join(mangled), capture_output=True, text=True, check=True
    )

    def alike(name: str) -> str:
        return name.replace(" ", "")  # binutils writes > > where today's compilers write >>

    pairs = zip(mangled, expected.stdout.split("\n"), strict=True)
    # It writes out what the standard abbreviates, as std::string.
    told = [(demangled(name), other) for name, other in pairs if "std::basic_" not in other]
    assert len(told) > 50
    assert [alike(one) for one, _ in told] == [alike(other) for _, other in told]
