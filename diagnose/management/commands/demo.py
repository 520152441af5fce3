"""`manage.py demo`: a sample shop with three real faults in turn, and what Diagnose finds."""

from __future__ import annotations

import os
import socket
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandParser

from diagnose.demo.faults import FAULTS, Fault, load, shop
from diagnose.demo.watch import Api
from diagnose.management import services
from diagnose.management.supervise import Service, Supervisor

_START_SECONDS = 90.0
_FAULT_SECONDS = 100.0


class Command(BaseCommand):
    help = "Show findings of a sample shop with three real faults; takes up to six minutes."
    requires_system_checks: list[str] = []

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--fault", choices=[fault.name for fault in FAULTS], help="only this one")
        parser.add_argument("--keep", action="store_true", help="leave the last fault running until Ctrl-C")

    def handle(self, *_: Any, fault: str | None, keep: bool, **__: Any) -> None:
        chosen = [one for one in FAULTS if fault in {None, one.name}]
        os.environ["PYTHONUNBUFFERED"] = "1"
        supervisor = Supervisor(_say, grace_seconds=20.0)
        with tempfile.TemporaryDirectory(prefix="diagnose-shop-") as directory:
            try:
                missed = _show(supervisor, chosen, Path(directory), keep)
            finally:
                supervisor.stop()
        _say(
            "demo",
            "stopped, and the shop's files are removed; the findings stay: `make run` shows them again",
        )
        sys.exit(1 if missed else 0)


def _say(name: str, line: str) -> None:
    sys.stdout.write(f"{line}\n" if name == "up" else f"{name:<9} | {line}\n")
    sys.stdout.flush()


def _show(supervisor: Supervisor, chosen: list[Fault], directory: Path, keep: bool) -> int:
    """How many of the faults were not found."""
    api = _product(supervisor)
    if api is None:
        return len(chosen)
    port = _free_port()
    missed = 0
    for fault in chosen:
        if supervisor.stopping:
            break
        supervisor.start(shop(fault, port, directory))
        supervisor.start(load(fault, port))
        missed += not _wait_for_finding(supervisor, api, fault)
        if keep and fault is chosen[-1]:
            _say("demo", f"the shop keeps running at 127.0.0.1:{port}; Ctrl-C ends it")
            supervisor.run()
        supervisor.end("load", "shop")
    return missed


def _product(supervisor: Supervisor) -> Api | None:
    """The running product, or one started for the demo. None: it could not be started."""
    token = settings.DATA_DIR / "admin-token"

    def api() -> Api:
        return Api(services.web_url(), token.read_text().strip() if token.exists() else "")

    if not api().answers():
        _say("demo", "Diagnose is not running here: starting it")
        argv = [sys.executable, str(settings.BASE_DIR / "manage.py"), "up"]
        supervisor.start(Service("up", argv, tier=0, once=True))

        def settled() -> bool:
            return supervisor.pid_of("up") is None or api().hears_a_collector()

        if not supervisor.wait_for(settled, _START_SECONDS) or supervisor.pid_of("up") is None:
            _say("demo", f"{services.web_url()} shows no live host; the lines above say why")
            return None
    return api()


def _wait_for_finding(supervisor: Supervisor, api: Api, fault: Fault) -> bool:
    pid = supervisor.pid_of("shop")
    started = time.monotonic()
    _say("demo", f"fault {fault.name}: {fault.story}")
    _say(
        "demo",
        f"  the shop is process {pid}; watch {api.base}/findings and {api.base}/profile?service=shop.py",
    )
    if supervisor.wait_for(lambda: api.found(pid, fault.rules) is not None, _FAULT_SECONDS):
        found = api.found(pid, fault.rules)
        assert found is not None
        seconds = time.monotonic() - started
        _say("demo", f"  found after {seconds:.0f} s ({found.rule}, confidence {found.confidence:.0%}):")
        _say("demo", f"  {found.headline}")
        _say("demo", f"  {found.url}")
        return True
    if not supervisor.stopping:
        _say(
            "demo",
            f"  no finding within {_FAULT_SECONDS:.0f} s; `manage.py doctor` says which part is not well",
        )
    return False


def _free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        return int(listener.getsockname()[1])
