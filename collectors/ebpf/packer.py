"""Build time only: `make packs`. C source → object (clang) → light skeleton (bpftool) → the pack beside the source.

The programs read no registers and no machine's own types, so one pack serves x86-64 and aarch64; a test builds them for
both. The same tools give the same bytes: paths are relative, and nothing of the building machine is in a pack.
"""

from __future__ import annotations

import ctypes
import re
import subprocess
import sys
import tempfile
from pathlib import Path

from collectors.ebpf.pack import VERSION, Pack, Program, encode

# Debian 12's packages clang-14, bpftool and libbpf-dev.
CLANG, BPFTOOL, LIBBPF = "clang-14", "/usr/sbin/bpftool", "libbpf.so.1"
TARGETS = ("x86", "arm64")  # libbpf's names for them
_COLLECTORS = Path(__file__).parents[1]
SOURCES = (_COLLECTORS / "probes/ebpf", _COLLECTORS / "capture/native")


class BuildError(Exception):
    """What the tools said."""


def tools() -> str:
    """The versions that a rebuild needs for the same bytes. BuildError when a tool is missing."""
    clang = _run([CLANG, "--version"], Path.cwd()).splitlines()[0]
    bpftool = _run([BPFTOOL, "version"], Path.cwd()).replace(BPFTOOL, "bpftool").splitlines()
    return ", ".join([clang.strip(), *(line.strip() for line in bpftool[:2])])


def sources() -> list[Path]:
    """All that have a pack beside them."""
    return [source for folder in SOURCES for source in sorted(folder.glob("*.bpf.c"))]


def build(source: Path, target: str = TARGETS[0]) -> Pack:
    """BuildError when the tools refuse the source."""
    name = source.name.removesuffix(".bpf.c")
    with tempfile.TemporaryDirectory() as folder:
        compiled = Path(folder) / "object"
        options = ["-g", "-O2", "-Wall", "-Werror", "-target", "bpf", "-mcpu=v3", "-fdebug-compilation-dir=."]
        _run(
            [CLANG, *options, f"-D__TARGET_ARCH_{target}", "-c", source.name, "-o", str(compiled)],
            source.parent,
        )
        skeleton = _run([BPFTOOL, "gen", "skeleton", "-L", str(compiled), "name", name], source.parent)
        sections = _sections(compiled)
    maps = re.findall(r"struct bpf_map_desc (\w+);", skeleton)
    if {"rodata", "data"} & set(maps):
        raise BuildError(
            f"{source}: it has constants or variables with a value, which the loader does not fill in"
        )
    programs = re.findall(r"struct bpf_prog_desc (\w+);", skeleton)
    return Pack(
        VERSION,
        tools(),
        maps,
        [Program(each, sections[each]) for each in programs],
        _blob(skeleton, "data"),
        _blob(skeleton, "insns"),
    )


def _run(command: list[str], folder: Path) -> str:
    try:
        done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)
    except FileNotFoundError:
        raise BuildError(
            f"{command[0]} is not installed; on Debian 12: apt-get install clang-14 bpftool libbpf-dev"
        ) from None
    if done.returncode:
        raise BuildError(f"{' '.join(command)}:\n{done.stderr}")
    return done.stdout


def _blob(skeleton: str, name: str) -> bytes:
    """The C string that the skeleton gives the loader as `name`, zeros at its end included."""
    size = re.search(rf"opts\.{name}_sz = (\d+);", skeleton)
    text = re.search(rf'opts\.{name} = \(void \*\)"(.*?)";', skeleton, re.DOTALL)
    if size is None or text is None:
        raise BuildError(f"bpftool's skeleton has no {name}: is it 7.1?")
    digits = re.findall(r"\\x([0-9a-f]{2})|\\(0)", text[1])
    return bytes(int(pair or zero, 16) for pair, zero in digits).ljust(int(size[1]), b"\0")


def _sections(compiled: Path) -> dict[str, str]:
    """Section by program, as libbpf understands the object."""
    library = ctypes.CDLL(LIBBPF)
    for function in ("bpf_object__open_file", "bpf_object__next_program"):
        getattr(library, function).restype = ctypes.c_void_p
    for function in ("bpf_program__name", "bpf_program__section_name"):
        getattr(library, function).restype = ctypes.c_char_p
    opened = ctypes.c_void_p(library.bpf_object__open_file(str(compiled).encode(), None))
    found: dict[str, str] = {}
    program = ctypes.c_void_p(library.bpf_object__next_program(opened, None))
    while program.value:
        name, section = library.bpf_program__name(program), library.bpf_program__section_name(program)
        found[name.decode()] = section.decode()
        program = ctypes.c_void_p(library.bpf_object__next_program(opened, program))
    library.bpf_object__close(opened)
    return found


def main() -> int:
    try:
        for source in sources():
            pack = encode(build(source))
            source.with_name(source.name.replace(".bpf.c", ".pack")).write_bytes(pack)
            print(f"{source.name}: {len(pack)} bytes")
    except BuildError as error:
        print(f"packs: {error}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
