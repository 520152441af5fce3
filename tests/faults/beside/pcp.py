"""Performance Co-Pilot: pmie with the rules of pmieconf, on a pmcd of its own.

Its rules look every two minutes and some of them only at what lasted as long. Here each looks every five seconds, which
speaks for it: a run is over sooner than its second look would be.
"""

from __future__ import annotations

import os
import re
import subprocess
import time
from contextlib import ExitStack
from datetime import datetime
from pathlib import Path
from types import TracebackType

from tests.faults.stage import Stage

PORT = 44_321
DELTA = "5 sec"
_PCP = Path("/usr/lib/pcp/bin")
_DOMAINS = """
linux 60 dso linux_init /var/lib/pcp/pmdas/linux/pmda_linux.so
pmcd 2 dso pmcd_init /var/lib/pcp/pmdas/pmcd/pmda_pmcd.so
"""
_START_SECONDS = 20.0
_ACTION = re.compile(r"^(?P<head>(?P<name>[a-z_]+\.[a-z_]+) ?=.*?) -> .*?;$", re.MULTILINE | re.DOTALL)
_DELTA = re.compile(r"^delta = .*;$", re.MULTILINE)
_TOLD = re.compile(r"^(?P<time>\w{3} \w{3} +\d+ [\d:]{8} \d{4}): raised (?P<name>\S+)", re.MULTILINE)


class Pcp:
    """Both programs inside the stage."""

    def __init__(self, stage: Stage, folder: Path) -> None:
        self._stage, self._folder = stage, folder
        self._stack = ExitStack()
        self._told = folder / "pmie.out"

    def __enter__(self) -> Pcp:
        environment = self._settings()
        self._stack.__enter__()
        try:
            domains = self._folder / "pmcd.conf"
            domains.write_text(_DOMAINS)
            arguments = ["-f", "-A", "-U", "root", "-p", str(PORT), "-c", str(domains)]
            arguments += ["-l", str(self._folder / "pmcd.log"), "-s", str(self._folder / "pmcd.socket")]
            self._run([str(_PCP / "pmcd"), *arguments], environment)
            self._wait(environment)
            rules = self._rules(environment)
            log = ["-l", str(self._folder / "pmie.log")]
            self._run(
                ["pmie", "-f", "-b", "-h", "127.0.0.1", "-U", "root", *log, "-c", str(rules)], environment
            )
        except BaseException:
            self._stack.close()
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stack.close()

    def raised(self, since: float) -> set[str]:
        """By the second; a rule that held before the fault as well tells nothing of it."""
        times: dict[str, float] = {}
        for told in _TOLD.finditer((self._folder / "pmie.log").read_text()):
            at = datetime.strptime(told["time"], "%a %b %d %H:%M:%S %Y").astimezone().timestamp()
            times.setdefault(told["name"], at)
        return {name for name, at in times.items() if at >= int(since)}

    def _settings(self) -> dict[str, str]:
        """Where it keeps its files is told by a file of settings, which the environment may name."""
        places = {
            f"PCP_{name}_DIR": str(self._folder / name.lower()) for name in ("RUN", "LOG", "TMP", "TMPFILE")
        }
        for place in places.values():
            Path(place).mkdir(parents=True)
        lines = Path("/etc/pcp.conf").read_text().splitlines()
        kept = [line for line in lines if line.partition("=")[0] not in places]
        file = self._folder / "pcp.conf"
        file.write_text("\n".join([*kept, *(f"{name}={value}" for name, value in places.items())]) + "\n")
        return {**os.environ, **places, "PCP_CONF": str(file), "TZ": "UTC", "LC_ALL": "C"}

    def _rules(self, environment: dict[str, str]) -> Path:
        """As pmieconf writes them, all that it ships switched on, and each says its name."""
        path = self._folder / "rules"
        subprocess.run(
            ["pmieconf", "-f", str(path), "modify", "global", "user_action", "yes"],
            env=environment,
            check=True,
            capture_output=True,
        )
        path.write_text(named_rules(path.read_text()))
        return path

    def _run(self, argv: list[str], environment: dict[str, str]) -> None:
        with self._told.open("ab") as output:
            process = subprocess.Popen(
                self._stage.here.argv(*argv), stdout=output, stderr=subprocess.STDOUT, env=environment
            )
        self._stack.callback(process.wait)
        self._stack.callback(process.kill)

    def _wait(self, environment: dict[str, str]) -> None:
        asked = self._stage.here.argv("pminfo", "-h", "127.0.0.1", "-f", "kernel.all.load")
        deadline = time.monotonic() + _START_SECONDS
        while subprocess.run(asked, env=environment, capture_output=True, check=False).returncode:
            if time.monotonic() > deadline:
                raise TimeoutError(f"pmcd does not answer within {_START_SECONDS:g} s: see {self._folder}")
            time.sleep(0.5)


def named_rules(text: str) -> str:
    """The same rules, each of which prints its name when it holds, and looks every DELTA."""
    return _ACTION.sub(r'\g<head> -> print 1 sec "raised \g<name>";', _DELTA.sub(f"delta = {DELTA};", text))
