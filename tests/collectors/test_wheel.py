"""The wheel that hosts get has what the tree has: built for real, compared name by name."""

from __future__ import annotations

import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
COLLECTORS = ROOT / "collectors"
# What a collector at work reads beside its modules.
DATA = {".pack", ".service"}


@pytest.fixture(scope="module")
def names(tmp_path_factory) -> set[str]:
    place = tmp_path_factory.mktemp("wheel")
    tree = shutil.copytree(
        COLLECTORS, place / "collectors", ignore=shutil.ignore_patterns("build", "*.egg-info")
    )
    pip = [sys.executable, "-m", "pip", "--quiet", "--disable-pip-version-check", "wheel"]
    # Without isolation no registry is asked for the build's own needs.
    subprocess.run([*pip, "--no-deps", "--no-build-isolation", "-w", place, tree], check=True, timeout=120)
    (wheel,) = place.glob("*.whl")
    return set(zipfile.ZipFile(wheel).namelist())


def in_the_tree(*suffixes: str) -> set[str]:
    found = (path.relative_to(ROOT) for path in COLLECTORS.rglob("*") if path.suffix in suffixes)
    return {str(path) for path in found if path.parts[1] != "build"}


def test_it_has_every_module_of_the_tree_and_no_other(names):
    assert {name for name in names if name.endswith(".py")} == in_the_tree(".py")
    assert "collectors/probes/app/scrape.py" in names


def test_it_has_every_file_that_a_collector_reads(names):
    assert {name for name in names if Path(name).suffix in DATA} == in_the_tree(*DATA)
    assert any(name.endswith(".pack") for name in names)
