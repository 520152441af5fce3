"""A supervisor with small services, run as a script by the tests: `python -m tests.diagnose.management.tree KIND`."""

from __future__ import annotations

import sys
from collections.abc import Callable

from diagnose.management.supervise import Service, Supervisor

# Prints who it is, starts a child of its own, and waits.
_PARENT = """
import subprocess, sys, time, os
child = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(600)"])
print("leader", os.getpid(), "child", child.pid, flush=True)
time.sleep(600)
"""
_DEAF = "import signal; signal.signal(signal.SIGTERM, signal.SIG_IGN)\n" + _PARENT
_BRIEF = "print('hello', flush=True); raise SystemExit(3)"
_SCRIPTS = {"parent": _PARENT, "deaf": _DEAF, "brief": _BRIEF, "once": _BRIEF, "hindered": _PARENT}


def _hindrance(kind: str) -> Callable[[], str]:
    """Two are in the way of the one that is hindered."""
    reasons = ["the first is in the way", "the second is in the way"] if kind == "hindered" else []
    return lambda: reasons.pop(0) if reasons else ""


def main() -> None:
    supervisor = Supervisor(lambda name, line: print(f"{name}| {line}", flush=True), grace_seconds=1.0)
    try:
        for kind in sys.argv[1:]:
            tier = 0 if kind == "deaf" else 1
            argv = [sys.executable, "-c", _SCRIPTS[kind]]
            supervisor.start(Service(kind, argv, tier=tier, once=kind == "once", hindrance=_hindrance(kind)))
        supervisor.run()
    finally:
        supervisor.stop()
    print("up| stopped", flush=True)


if __name__ == "__main__":
    main()
