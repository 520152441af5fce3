"""kill -9 between any two parts of a group of batches: they come again, and every part is there exactly once."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

from tests.postgresql import own_database

ROOT = Path(__file__).resolve().parents[3]


def test_a_writer_killed_anywhere_leaves_each_part_exactly_once(valkey, tmp_path):
    with own_database() as url:
        own = {
            "DATA_DIR": str(tmp_path),
            "DATABASE_URL": url,
            "DJANGO_SETTINGS_MODULE": "diagnose.settings",
        }
        done = subprocess.run(
            [sys.executable, "-m", "tests.diagnose.ingest.killed_writer"],
            cwd=ROOT,
            env={**os.environ, **own},
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
        )
    assert done.returncode == 0, done.stderr
    rounds = json.loads(done.stdout.splitlines()[-1])
    assert len(rounds) == 13
    for one in rounds:
        assert one["killed"], one
        assert (one["points"], one["samples"], one["committed"]) == (12.0, 30, 3), one
