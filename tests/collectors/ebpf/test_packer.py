"""Committed packs are what their sources give: the same tools, the same bytes."""

from __future__ import annotations

import pytest

from collectors.ebpf import pack, packer
from collectors.probes import ALL

SOURCES = packer.sources()


def built(source):
    return source.with_name(source.name.replace(".bpf.c", ".pack"))


@pytest.fixture(scope="module")
def tools() -> str:
    try:
        return packer.tools()
    except packer.BuildError as error:
        pytest.skip(str(error))


@pytest.mark.parametrize("source", SOURCES, ids=lambda source: source.name)
@pytest.mark.parametrize("target", packer.TARGETS)
def test_building_a_source_again_gives_the_same_bytes_for_both_machines(tools, source, target):
    committed = pack.read(built(source))
    if committed.tools != tools:
        pytest.skip(f"here is {tools}; the packs were built by {committed.tools}")
    again = pack.encode(packer.build(source, target))
    assert again == built(source).read_bytes(), f"run `make packs`: {source.name} has changed"


@pytest.mark.parametrize("source", SOURCES, ids=lambda source: source.name)
def test_each_source_has_its_pack_and_who_uses_it(source):
    assert built(source).exists()
    name = source.name.removesuffix(".bpf.c")
    samplers = {"oncpu", "offcpu", "wanted"}
    assert name in {probe.NAME for probe in ALL} | samplers


def test_no_pack_holds_a_path_of_the_machine_that_built_it():
    for source in SOURCES:
        content = built(source).read_bytes()
        for folder in (str(source.parent).encode(), b"/tmp/", b"/home/", b"/root/"):
            assert folder not in content


@pytest.mark.parametrize(
    ("code", "words"),
    [("int broken(", "error:"), ("const volatile int chosen = 3;", "constants or variables")],
)
def test_a_source_that_cannot_become_a_pack_is_refused_with_the_reason(tools, tmp_path, code, words):
    source = tmp_path / "odd.bpf.c"
    source.write_text(
        f'{code}\n__attribute__((section("tp_btf/tcp_probe"), used)) int program(void *c) {{ return chosen; }}\n'
        if "chosen" in code
        else code
    )
    with pytest.raises(packer.BuildError, match=words):
        packer.build(source)
