"""`diagnose-collector snapshot`: a file without any server, which holds what the collector would have sent."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import zstandard

from collectors import bundle as bundles
from collectors import wire
from collectors.__main__ import main

ROOT = Path(__file__).resolve().parents[2]


def run(output: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    argv = [sys.executable, "-m", "collectors", "snapshot", "--output", str(output), *arguments]
    return subprocess.run(argv, cwd=ROOT, capture_output=True, text=True, check=False)


def test_five_seconds_become_batches_that_a_server_can_read(tmp_path):
    file = tmp_path / "web-1.diagnose"
    ran = run(file, "--seconds", "5", "--name", "web-1")
    assert ran.returncode == 0, ran.stderr
    assert ran.stdout.strip() == str(file)
    assert file.stat().st_mode & 0o777 == 0o600
    bundle = bundles.decode(file.read_bytes())
    assert bundle.name == "web-1"
    items = [item for body in bundle.batches for item in _items(body)]
    facts = {item.name for item in items if isinstance(item, wire.Fact)}
    assert "kernel.release" in facts
    assert sum(isinstance(item, wire.PointTable) for item in items) >= 1


def _items(body: bytes) -> list[wire.Item]:
    batch = wire.decode_batch(body)
    return wire.decode_items(zstandard.ZstdDecompressor().decompress(batch.content))[0]


def test_a_time_that_makes_no_snapshot_is_refused_with_the_bounds(capsys, tmp_path):
    assert main(["snapshot", "--seconds", "1", "--output", str(tmp_path / "x")]) == 2
    assert "give from 5 to 3600 seconds" in capsys.readouterr().err
    assert not (tmp_path / "x").exists()
