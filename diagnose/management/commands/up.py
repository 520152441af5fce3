"""`manage.py up`: the whole product on one machine, in one process tree, until Ctrl-C."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from django.conf import settings
from django.core.management import call_command
from django.core.management.base import BaseCommand
from django.db import DatabaseError, connection

from diagnose.access import accounts
from diagnose.management import database, preflight, services, static, this_host
from diagnose.management.preflight import Refusal
from diagnose.management.supervise import Supervisor

_READY_SECONDS = 60.0
_QUEUE_SECONDS = 15.0
_LOCAL = {"localhost", "127.0.0.1", "::1", "[::1]"}


class Command(BaseCommand):
    help = "Run web, stream, worker, beat, an embedded Valkey and this host's collector until Ctrl-C."
    requires_system_checks: list[str] = []

    def handle(self, *_: Any, **__: Any) -> None:
        os.environ["PYTHONUNBUFFERED"] = "1"
        try:
            lock = _check()
            supervisor = Supervisor(_say)
            try:
                _start(supervisor)
                supervisor.run()
            finally:
                supervisor.stop()
        except Refusal as refusal:
            sys.stderr.write(f"diagnose: {refusal}\n")
            sys.exit(2)
        os.close(lock)
        _say("up", "stopped")


def _say(name: str, line: str) -> None:
    sys.stdout.write(f"{name:<9} | {line}\n")
    sys.stdout.flush()


def _check() -> int:
    """All that can be wrong before anything runs; returns the lock's descriptor."""
    data_dir = settings.DATA_DIR
    preflight.prepare_data_dir(data_dir)
    if _embedded_queue():
        preflight.check_socket_path(data_dir / "valkey.sock")
    lock = preflight.take_lock(data_dir / "up.lock", lambda line: _say("up", line))
    for _, port, setting in _ports():
        preflight.check_port(settings.CONFIG["DIAGNOSE_BIND"], port, setting)
    return lock


def _ports() -> tuple[tuple[str, int, str], ...]:
    """Who listens where, and the setting that says so."""
    return (
        ("web", settings.CONFIG["DIAGNOSE_PORT"], "DIAGNOSE_PORT"),
        ("stream", settings.STREAM_PORT, "DIAGNOSE_STREAM_PORT"),
    )


def _embedded_queue() -> bool:
    return not settings.CONFIG["REDIS_URL"]


def _start(supervisor: Supervisor) -> None:
    data_dir = settings.DATA_DIR
    if _embedded_queue():
        supervisor.start(services.valkey(data_dir))
    if not supervisor.wait_for(services.queue_answers, _QUEUE_SECONDS):
        if supervisor.stopping:
            return
        raise Refusal(
            f"the queue at {_without_password(settings.REDIS_URL)} does not answer; start it or set REDIS_URL"
        )
    link = _prepare_database(data_dir)
    static.collect()
    for service in (services.web(), services.stream(), *services.workers(), services.beat(data_dir)):
        supervisor.start(service)
    ready = supervisor.wait_for(services.web_answers, _READY_SECONDS)
    for name, port, setting in _ports():
        preflight.check_alone(port, setting, supervisor.pid_of(name))
    if not supervisor.stopping:
        supervisor.start(services.collector(data_dir / "collector"))
        if settings.CONFIG["COLLECTOR_WHEELS"]:
            supervisor.start(services.wheels())
        _tell(ready, link)


def _prepare_database(data_dir: Path) -> str | None:
    """Tables, the first admin, this host. Returns the first sign-in link's secret while nobody used one."""
    try:
        call_command("migrate", interactive=False, verbosity=0)
        admin = accounts.first_admin()
        accounts.keep_admin_token(admin, data_dir / "admin-token")
        this_host.enrol(data_dir / "collector")
        return accounts.first_link(admin)
    except DatabaseError as error:
        found, remedy = database.why_unusable(error)
        raise Refusal(f"the database cannot be used ({found}); {remedy}") from None
    finally:
        connection.close()  # the supervisor lives long and needs no database


def _tell(ready: bool, link: str | None) -> None:
    url = services.web_url()
    if not ready:
        _say("up", f"{url} does not answer yet: see the lines of `web` above, or run `manage.py doctor`")
    else:
        _say("up", f"Diagnose runs at {url} (Ctrl-C stops everything)")
    if link:
        _say("up", f"first sign-in (one use, valid for a day): {url}/sign-in/{link}")
    else:
        _say("up", "a new sign-in link: manage.py sign_in_link")
    _say("up", f"API token for scripts: {settings.DATA_DIR / 'admin-token'}")
    if missing := preflight.unseen():
        _say(
            "up",
            f"not root, so the collector will not see: {'; '.join(missing)}. To see them, run it as root",
        )
    if settings.CONFIG["DIAGNOSE_BIND"] not in _LOCAL and set(settings.ALLOWED_HOSTS) <= _LOCAL:
        _say("up", "requests from other hosts are refused until ALLOWED_HOSTS names this machine")


def _without_password(url: str) -> str:
    password = urlsplit(url).password
    return url.replace(f":{password}@", ":…@") if password else url
