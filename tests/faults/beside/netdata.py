"""Netdata with the alarms that it ships, those included that it ships silenced."""

from __future__ import annotations

import json
import subprocess
import time
import urllib.error
import urllib.request
from pathlib import Path
from types import TracebackType
from typing import Any

from tests.faults.inside import inside
from tests.faults.stage import Stage

PORT = 19_999
_START_SECONDS = 30.0
_RAISED = ("WARNING", "CRITICAL")
# Alarms look every ten seconds at the last minute, and need that much of a chart: charts are made at once here, not at
# the first value above 0, which speaks for it. Nothing else is changed but where it keeps its files.
_CONFIG = """
[global]
    run as user = root
[directories]
    cache = {folder}/cache
    lib = {folder}/lib
    log = {folder}/log
    lock = {folder}/lock
    home = {folder}
[db]
    mode = ram
    enable zero metrics = yes
[web]
    bind to = 127.0.0.1:{port}
[registry]
    enabled = no
"""


class Netdata:
    """The daemon inside the stage."""

    def __init__(self, stage: Stage, folder: Path) -> None:
        self._stage, self._folder = stage, folder
        self._process: subprocess.Popen[bytes] | None = None

    def __enter__(self) -> Netdata:
        for name in ("cache", "lib", "log", "lock"):
            (self._folder / name).mkdir(parents=True)
        config = self._folder / "netdata.conf"
        config.write_text(_CONFIG.format(folder=self._folder, port=PORT))
        argv = self._stage.here.argv("netdata", "-D", "-c", str(config), "-P", str(self._folder / "pid"))
        with (self._folder / "output").open("wb") as output:
            self._process = subprocess.Popen(argv, stdout=output, stderr=subprocess.STDOUT)
        self._wait()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._process:
            self._process.kill()
            self._process.wait()

    def raised(self, since: float) -> set[str]:
        log: list[dict[str, Any]] = self._ask("/api/v1/alarm_log")
        return {each["name"] for each in log if each["status"] in _RAISED and each["when"] >= since}

    def _wait(self) -> None:
        deadline = time.monotonic() + _START_SECONDS
        while time.monotonic() < deadline:
            try:
                self._ask("/api/v1/info")
            except (OSError, urllib.error.URLError):
                time.sleep(0.5)
            else:
                return
        raise TimeoutError(f"netdata does not answer within {_START_SECONDS:g} s: see {self._folder}/output")

    def _ask(self, path: str) -> Any:
        """From a socket that is opened inside."""

        def answer() -> Any:
            with urllib.request.urlopen(f"http://127.0.0.1:{PORT}{path}", timeout=10) as response:
                return json.load(response)

        return inside(self._stage.here.pid, answer)
