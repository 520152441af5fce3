"""A full disk under the data, under the spool, and a collector killed on it: what was committed stays."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from tests.integration.product import ROOT


@pytest.mark.system
@pytest.mark.root(to="mount small file systems in a namespace of its own")
def test_disks_that_get_full_lose_nothing_committed_and_recover_by_themselves(tmp_path: Path):
    program = [sys.executable, "-m", "tests.integration.faults.full_disk", str(tmp_path)]
    done = subprocess.run(
        ["unshare", "--mount", "--propagation", "private", *program],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=600,
        check=False,
    )
    assert done.returncode == 0, done.stderr[-6000:]
    assert [line.split(":")[0] for line in done.stdout.splitlines()] == ["data", "spool", "killed", "drained"]
