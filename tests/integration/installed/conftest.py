"""A product with a filled shelf in a machine's network, and a token that lets hosts in."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import msgspec
import pytest

from diagnose.installer import shelf
from diagnose.installer.shelf import Shelf
from tests.integration.installed.machine import Machine
from tests.integration.product import ROOT, Product

PORT = 18960


@pytest.fixture(scope="package")
def filled(tmp_path_factory) -> Path:
    """A DATA_DIR whose shelf was filled from the package registry: this is the one part that needs it."""
    data_dir = tmp_path_factory.mktemp("filled") / "data"
    manage(Product(data_dir, PORT), "vendor_collector", timeout=400)
    return data_dir / "collector-wheels"


@pytest.fixture(scope="package")
def machine(tmp_path_factory) -> Iterator[Machine]:
    running = Machine(tmp_path_factory.mktemp("machine") / f"diagnose-machine-{PORT}")
    try:
        yield running
    finally:
        running.stop()


@pytest.fixture(scope="package")
def product(machine, filled, tmp_path_factory) -> Iterator[Product]:
    found = Product(tmp_path_factory.mktemp("product") / "data", PORT)
    found.environ["COLLECTOR_WHEELS"] = "1"  # what is there already needs no registry
    shutil.copytree(filled, found.data_dir / "collector-wheels", copy_function=shutil.copy2)
    with machine.network():
        try:
            found.start()
            yield found
        finally:
            found.stop()
            found.kill_rest()


@pytest.fixture
def altered(product) -> Iterator[Callable[[str, Callable[[Path], None]], Path]]:
    """`altered(project, change)` changes the file of a project on the shelf; it is as it was afterwards.

    With `index=True` the index has the new hash: another version, not a damaged one.
    """
    place = product.data_dir / "collector-wheels"
    before = (place / shelf.INDEX).read_bytes()
    kept: dict[Path, bytes] = {}

    def alter(project: str, change: Callable[[Path], None], index: bool = False) -> Path:
        found = msgspec.json.decode(before, type=Shelf)
        (file,) = found.of_project(project)
        path = place / found.folder / file.name
        kept[path] = path.read_bytes()
        change(path)
        if index:
            new = msgspec.structs.replace(file, sha256=shelf.sha256(path), bytes=path.stat().st_size)
            files = [new if each == file else each for each in found.files]
            (place / shelf.INDEX).write_bytes(
                msgspec.json.encode(msgspec.structs.replace(found, files=files))
            )
        return path

    yield alter
    (place / shelf.INDEX).write_bytes(before)
    for path, data in kept.items():
        path.write_bytes(data)


@pytest.fixture
def token(product) -> Callable[..., str]:
    def make(*arguments: str) -> str:
        return re.findall(r"dge_\S+", manage(product, "enroll", *arguments))[0]

    return make


def manage(product: Product, *arguments: str, timeout: float = 60) -> str:
    """The output of a command of the product's."""
    argv = [sys.executable, str(ROOT / "manage.py"), *arguments]
    product.data_dir.mkdir(parents=True, exist_ok=True)
    ran = subprocess.run(
        argv, cwd=ROOT, env={**product.environ, "HOME": str(Path.home())}, capture_output=True, text=True,
        check=False, timeout=timeout,
    )  # fmt: skip
    assert ran.returncode == 0, ran.stderr
    return ran.stdout
