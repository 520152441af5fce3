"""What beat sends by itself, in a process of its own as `manage.py up` starts it."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys

from django.conf import settings


def test_beat_knows_every_periodic_task(tmp_path):
    """It names what it will send before it sends anything."""
    argv = [
        "-m",
        "celery",
        "-A",
        "diagnose.celery:app",
        "beat",
        "-l",
        "DEBUG",
        "-s",
        str(tmp_path / "schedule"),
    ]
    environment = {**os.environ, "DATA_DIR": str(tmp_path), "REDIS_URL": f"unix://{tmp_path}/nobody.sock"}
    process = subprocess.Popen(
        [sys.executable, *argv],
        cwd=settings.BASE_DIR,
        env=environment,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
    )
    told = ""
    try:
        assert process.stderr is not None
        while "Ticking" not in (line := process.stderr.readline()) and line:
            told += line
    finally:
        process.send_signal(signal.SIGKILL)
        process.wait()
    sent = set(re.findall(r"diagnose\.tasks\.(\w+)\(\)", told))
    assert {"roll_up", "retain", "expire_captures", "follow_changes", "verify_changes"} <= sent
