"""Commands to collectors that wait: `python -m bench.commands`.

Method: the product's own services (web, stream and Valkey, as `manage.py up` runs them, on SQLite) and one more process
that is BENCH_POLLERS collectors, each with its own host, token and kept connection to the stream process, which ask as
real ones do. `idle_cpu` is what the services take while nothing is asked for (BENCH_IDLE_SECONDS), the tickets that the
web process gives every ten minutes added from what the first ones took. Then BENCH_COMMANDS
captures of random hosts are asked for, one every 0.1 s: `command_latency` is from before the request is made until the
collector has its command. At last a worker, the collector of this machine and py-spy join: `click_to_first_sample` is
from before the POST of a capture of a busy Python process until py-spy takes its first sample, `click_to_result` until
the API says that the capture is done (a second of it is the sampling). The generator runs on the same cores.
"""

from __future__ import annotations

import http.client
import json
import os
import random
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from typing import Any

from bench import _results
from bench._installation import installation
from bench._machine import started, usage_of, wait_for
from bench._results import Row, percentiles, row

PORT = 18_540
POLLERS = int(os.environ.get("BENCH_POLLERS", "1000"))
IDLE_SECONDS = float(os.environ.get("BENCH_IDLE_SECONDS", "60"))
COMMANDS = int(os.environ.get("BENCH_COMMANDS", "200"))
CLICKS = int(os.environ.get("BENCH_CLICKS", "20"))
IDLE_CORES_TARGET, LATENCY_MS_TARGET = 0.10, 2_000.0
_LONGEST_SECONDS = 900.0
_BUSY = "while True: sum(range(1000))"


class Arrivals(threading.Thread):
    """When each command reached its collector."""

    def __init__(self, process: subprocess.Popen[str]) -> None:
        super().__init__(daemon=True)
        self._process = process
        self.at_ns: dict[str, int] = {}

    def run(self) -> None:
        for line in self._process.stdout or ():
            identifier, _, moment = line.partition(" ")
            self.at_ns[identifier] = int(moment)


def main() -> None:
    os.environ.update(DIAGNOSE_PORT=str(PORT), DIAGNOSE_STREAM_PORT=str(PORT + 1))
    with installation() as folder:
        from diagnose.management import services, static

        static.collect()
        parts = [services.valkey(folder), services.web(), services.stream()]
        with started(parts) as groups:
            wait_for(services.web_answers)
            rows = list(of_a_crowd(groups))
            with started([*services.workers(), services.collector(enrolled(folder))]):
                rows += of_clicks(folder)
    _results.write("commands", rows)


def of_a_crowd(groups: dict[str, int]) -> Iterator[Row]:
    from diagnose.captures.api import COLLECTOR_TICKET_SECONDS

    before = usage_of(groups["web"]).cpu_seconds
    with crowd(groups) as arrivals:
        ticket_seconds = (usage_of(groups["web"]).cpu_seconds - before) / POLLERS
        idle = cores_of(groups, IDLE_SECONDS)
        idle["web"] += ticket_seconds * POLLERS / COLLECTOR_TICKET_SECONDS
        yield row("ticket_cpu", [ticket_seconds * 1000], "ms", "lower", None)
        for name, cores in idle.items():
            target = IDLE_CORES_TARGET if name == "stream" else None
            yield row(f"idle_cpu_{name}", [cores], "cores", "lower", target)
        yield row("idle_cpu_all", [sum(idle.values())], "cores", "lower", IDLE_CORES_TARGET)
        memory = usage_of(groups["stream"]).rss_bytes / 1e6
        yield row("stream_memory", [memory], "MB", "lower", None)
        latencies = asked_for(arrivals)
    yield row("commands_lost", [COMMANDS - len(latencies)], "commands", "lower", 0)
    yield from percentiles("command_latency", latencies, LATENCY_MS_TARGET)


@contextmanager
def crowd(groups: dict[str, int]) -> Iterator[Arrivals]:
    """All collectors wait."""
    argv = [sys.executable, "-m", "bench._pollers", str(PORT), str(_LONGEST_SECONDS)]
    process = subprocess.Popen(argv, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    assert process.stdin is not None
    assert process.stdout is not None
    try:
        process.stdin.write("\n".join(tokens(POLLERS)))
        process.stdin.close()
        said = process.stdout.readline().strip()
        if said != "ready":
            raise SystemExit(f"the collectors do not all wait: {said}")
        time.sleep(2)
        arrivals = Arrivals(process)
        arrivals.start()
        print(f"{POLLERS} collectors wait; {len(groups)} services are measured", flush=True)
        yield arrivals
    finally:
        process.terminate()
        process.wait()


def tokens(number: int) -> Iterator[str]:
    from diagnose.access import tokens as access
    from diagnose.models import Host, Token

    for n in range(number):
        host = Host.objects.create(identity=f"{n:032x}", name=f"web-{n}")
        yield access.issue(Token.Kind.HOST, label="bench", host=host)


def cores_of(groups: dict[str, int], seconds: float) -> dict[str, float]:
    before = {name: usage_of(group).cpu_seconds for name, group in groups.items()}
    began = time.monotonic()
    time.sleep(seconds)
    took = time.monotonic() - began
    return {name: (usage_of(group).cpu_seconds - before[name]) / took for name, group in groups.items()}


def asked_for(arrivals: Arrivals) -> list[float]:
    """Milliseconds from the request to the collector, of all commands that arrived."""
    from diagnose.access.actor import Actor
    from diagnose.captures.request import CaptureTarget, Wanted, request_capture
    from diagnose.models import Host
    from diagnose.models.access import Role

    asked: dict[str, int] = {}
    hosts = random.sample(list(Host.objects.all()), min(COMMANDS, POLLERS))
    for number in range(COMMANDS):
        # Nobody answers for these captures, and a person may have only so many that go on.
        actor = Actor(f"person-{number % 50}", Role.OPERATOR, None, None, None)
        wanted = Wanted(CaptureTarget(pid=812), "python_cpu", 10.0, 100, "bench")
        began = time.time_ns()
        asked[request_capture(hosts[number % len(hosts)], wanted, actor).id] = began
        time.sleep(0.1)
    time.sleep(3)
    return [(arrivals.at_ns[one] - at) / 1e6 for one, at in asked.items() if one in arrivals.at_ns]


def enrolled(folder: Path) -> Path:
    from diagnose.management import this_host

    this_host.enrol(folder / "collector")
    return folder / "collector"


def of_clicks(folder: Path) -> list[Row]:
    from diagnose.access import tokens as access
    from diagnose.models import Host, Token, User

    admin = User.objects.create_user("bench", role="admin")
    token = access.issue(Token.Kind.USER, user=admin)
    identity = (folder / "collector" / "identity").read_text().strip()
    host = Host.objects.get(identity=identity)
    wait_for(lambda: Host.objects.filter(pk=host.pk, last_seen_at__isnull=False).exists())
    busy = subprocess.Popen([sys.executable, "-c", _BUSY])
    try:
        found = [clicked(token, host.pk, busy.pid) for _ in range(CLICKS)]
    finally:
        busy.kill()
        busy.wait()
    return [
        *percentiles("click_to_first_sample", [first for first, _ in found], LATENCY_MS_TARGET),
        *percentiles("click_to_result", [result for _, result in found], 10_000.0),
    ]


def clicked(token: str, host_id: int, pid: int) -> tuple[float, float]:
    """Milliseconds to the first sample, and to the result."""
    body = {"target": {"host": host_id, "pid": pid}, "kind": "python_cpu", "seconds": 1, "hz": 100}
    began = time.time()
    capture = ask(token, "POST", "/captures", {**body, "reason": "bench"})
    while capture["state"] not in {"done", "failed", "expired", "refused"}:
        time.sleep(0.05)
        capture = ask(token, "GET", f"/captures/{capture['id']}")
    if capture["state"] != "done":
        raise SystemExit(f"a capture {capture['state']}: {capture['message']}")
    first = datetime.fromisoformat(capture["result"]["from"]).timestamp()
    return (first - began) * 1000, (time.time() - began) * 1000


def ask(token: str, method: str, path: str, body: object = None) -> Any:
    connection = http.client.HTTPConnection("127.0.0.1", PORT, timeout=20)
    try:
        data = None if body is None else json.dumps(body)
        connection.request(method, f"/api/v1{path}", data, {"Authorization": f"Bearer {token}"})
        answer = connection.getresponse()
        found = json.loads(answer.read())
        if answer.status not in {200, 201}:
            raise SystemExit(f"{method} {path}: {answer.status} {found}")
        return found
    finally:
        connection.close()


if __name__ == "__main__":
    main()
