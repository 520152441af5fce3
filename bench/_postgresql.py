"""The same store on a PostgreSQL of the distribution, thrown away afterwards: what stands beside SQLite's figures.

Django's database is settled once a process, so a child measures: `python -m bench._postgresql FILE`.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from bench import _append, _profile_queries, _series_queries, _stored
from bench._installation import installation
from bench._results import Row
from tests.postgresql import server

_URL = "DIAGNOSE_TEST_DATABASE_URL"


def beside(rows: Sequence[Row]) -> list[Row]:
    """The rows with what PostgreSQL reached, as it comes from the package but for a larger buffer: fully durable."""
    with server("-c listen_addresses= -c shared_buffers=256MB") as url, tempfile.NamedTemporaryFile() as file:
        argv = [sys.executable, "-m", "bench._postgresql", file.name]
        subprocess.run(argv, env={**os.environ, _URL: url}, check=True)
        found = json.loads(Path(file.name).read_text())
    return [
        replace(row, beside={**row.beside, "postgresql": found[row.name]}) if row.name in found else row
        for row in rows
    ]


def main(path: str) -> None:
    with installation(os.environ[_URL]) as folder:
        fleet = _stored.fleet()
        rows = [
            *_append.profiles(folder, fleet),
            *_append.points(folder, fleet),
            *_profile_queries.queries(folder, fleet),
            *_series_queries.queries(fleet),
        ]
        Path(path).write_text(json.dumps({row.name: row.value for row in rows}))


if __name__ == "__main__":
    main(sys.argv[1])
