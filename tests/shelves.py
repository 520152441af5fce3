"""A shelf with small wheels, for one kind of interpreter."""

from __future__ import annotations

import zipfile
from pathlib import Path

import msgspec

from diagnose.installer import shelf, wheels
from diagnose.installer.shelf import Kept, Shelf

TAG = "cp312-x86_64"
WHEELS = (
    "diagnose_collector-0.1.0-py3-none-any.whl",
    "msgspec-0.20.0-cp312-cp312-manylinux2014_x86_64.whl",
    "pip-26.0-py3-none-any.whl",
    "py_spy-0.4.1-py2.py3-none-manylinux_2_5_x86_64.whl",
)
SINGLE = "diagnose-collector-x86_64.pyz"


def wheel(path: Path, **files: str) -> Path:
    """With what stands in `files`, `__` in their names for `/`."""
    with zipfile.ZipFile(path, "w") as archive:
        for name, text in files.items():
            archive.writestr(name.replace("__", "/"), text)
    return path


def stock(**changes: object) -> Shelf:
    """Puts these wheels on the shelf in DATA_DIR."""
    folder = shelf.place() / "files-first"
    folder.mkdir(parents=True)
    files = []
    for name in WHEELS:
        path = wheel(folder / name, **{f"{name.partition('-')[0]}.py": name})
        files.append(Kept(name, *wheels.project_of(name), shelf.sha256(path), path.stat().st_size))
    single = wheel(folder / SINGLE, **{"__main__.py": ""})
    files.append(Kept(SINGLE, "", "0.1.0", shelf.sha256(single), single.stat().st_size))
    made = Shelf("0.1.0", "source", wheels.requirements(), folder.name, files, {TAG: list(WHEELS)}, [])
    made = msgspec.structs.replace(made, **changes)
    (shelf.place() / shelf.INDEX).write_bytes(msgspec.json.encode(made))
    return made
