"""One file for several interpreters: their wheels lie side by side in it."""

from __future__ import annotations

import subprocess
import sys
import zipfile

import pytest

from diagnose.installer import singlefile
from tests.shelves import wheel

MAIN = "import tool\ndef main():\n    print(tool.__file__)\n    return 3\n"


def test_what_was_put_together_runs_with_its_programs_beside_it(tmp_path, monkeypatch):
    first = tmp_path / "a-1-cp311-cp311-linux_x86_64.whl"
    with zipfile.ZipFile(first, "w") as archive:
        archive.writestr("collectors/__init__.py", "")
        archive.writestr("collectors/__main__.py", MAIN)
        archive.writestr("tool.py", "")
        archive.writestr("tool-1.data/scripts/tool", "#!/bin/sh\n")
        archive.writestr("zstandard/_cffi.cpython-311-x86_64-linux-gnu.so", "not needed")
    made = tmp_path / "one.pyz"
    singlefile.make([first, first], made)
    monkeypatch.setenv("SHIV_ROOT", str(tmp_path / "unpacked"))
    ran = subprocess.run([sys.executable, made], capture_output=True, text=True, check=False, timeout=60)
    assert ran.returncode == 3, ran.stderr
    assert str(tmp_path / "unpacked") in ran.stdout
    (program,) = (tmp_path / "unpacked").rglob("bin/tool")
    assert program.stat().st_mode & 0o111
    assert not list((tmp_path / "unpacked").rglob("_cffi*"))


def test_wheels_that_do_not_fit_together_are_refused(tmp_path):
    one = wheel(tmp_path / "a-1-cp311-cp311-linux_x86_64.whl", a__b="1")
    other = wheel(tmp_path / "a-2-cp312-cp312-linux_x86_64.whl", a__b="2")
    with pytest.raises(singlefile.Differs, match="a-2-cp312"):
        singlefile.make([one, other], tmp_path / "one.pyz")
