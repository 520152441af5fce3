"""`manage.py diagnose`: triage, findings and advice in the terminal, of a bundle or of a host and a time."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError, CommandParser

from diagnose.correlate import engine, load
from diagnose.findings.advice.fitting import fitted
from diagnose.ingest.content import Malformed
from diagnose.ingest.decode import TooLarge
from diagnose.ingest.replay import replay
from diagnose.models import Host
from diagnose.reports import terminal, triage
from diagnose.web.timerange import BadRange, TimeRange, parse

# A bundle says nothing of what was before it.
_LONGEST_SECONDS = 3600


class Command(BaseCommand):
    help = (
        "Diagnose a bundle of `diagnose-collector snapshot`, or a host of this installation, in the terminal."
    )
    requires_system_checks: list[str] = []

    def add_arguments(self, parser: CommandParser) -> None:
        what = parser.add_mutually_exclusive_group(required=True)
        what.add_argument("--bundle", type=Path, help="file that `diagnose-collector snapshot` made")
        what.add_argument("--host", help="name of a host of this installation")
        parser.add_argument(
            "--from", dest="start", default="-2m", help="--from=-10m, or a time; default: -2m"
        )
        parser.add_argument("--to", dest="end", default="", help="default: now")
        parser.add_argument("--into-this-store", action="store_true", help="keep the bundle as a host here")

    def handle(self, *_: Any, **options: Any) -> None:
        if options["host"]:
            self._of_host(options["host"], options["start"], options["end"])
        elif options["into_this_store"]:
            self._of_bundle(options["bundle"])
        else:
            self._apart(options["bundle"])

    def _of_host(self, name: str, start: str, end: str) -> None:
        host = Host.objects.filter(name=name).first()
        if host is None:
            known = ", ".join(Host.objects.values_list("name", flat=True)[:10]) or "none yet"
            raise CommandError(f"no host is called {name!r}; there are: {known}")
        try:
            span = parse(start, end, time.time_ns())
        except BadRange as error:
            raise CommandError(str(error)) from None
        self._tell(host, span)

    def _of_bundle(self, path: Path) -> None:
        try:
            found = replay(path.read_bytes())
        except OSError as error:
            raise CommandError(f"{path}: {error.strerror}") from None
        except (Malformed, TooLarge) as error:
            raise CommandError(f"{path}: {error}") from None
        start_ns = found.end_ns - _LONGEST_SECONDS * 10**9
        self._tell(found.host, TimeRange(start_ns, found.end_ns + 10**9, "", ""))

    def _apart(self, path: Path) -> None:
        """In a store of its own that goes afterwards: a look at a stranger's bundle leaves nothing here."""
        with tempfile.TemporaryDirectory(prefix="diagnose-bundle-") as directory:
            apart = {"DATA_DIR": directory, "DATABASE_URL": "", "CLICKHOUSE_URL": "", "REDIS_URL": ""}
            argv = [sys.executable, str(settings.BASE_DIR / "manage.py")]
            environment = {**os.environ, **apart}
            for words in (
                ["migrate", "--verbosity=0"],
                ["diagnose", "--bundle", str(path.resolve()), "--into-this-store"],
            ):
                ran = subprocess.run([*argv, *words], env=environment, check=False)
                if ran.returncode:
                    sys.exit(ran.returncode)

    def _tell(self, host: Host, span: TimeRange) -> None:
        samples = load.window(host, span.start, span.end)
        if samples is None:
            raise CommandError(f"nothing was read on {host.name} in that time")
        evaluation = fitted(engine.evaluate(samples), samples)
        services = triage.of_host(host.pk, samples.start_ns, samples.end_ns)
        self.stdout.write(terminal.text(samples, evaluation, services), ending="")
