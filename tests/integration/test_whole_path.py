"""From `manage.py up` to a finding, with nothing faked: real processes, queue, worker, collector and py-spy."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path

import pytest

from diagnose.demo import faults
from tests.integration.product import ROOT, Product, until
from tests.postgresql import own_database

PORT = 18810


@pytest.fixture(scope="module")
def product(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Product]:
    with own_database() as url:
        running = Product(tmp_path_factory.mktemp("whole"), PORT)
        running.environ["DATABASE_URL"] = url
        try:
            running.start()
            yield running
        finally:
            if running.process and running.process.poll() is None:
                running.stop()
            running.kill_rest()


def _run_shop(name: str, directory: Path) -> Iterator[int]:
    fault = next(fault for fault in faults.FAULTS if fault.name == name)
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
    services = faults.shop(fault, port, directory), faults.load(fault, port)
    started = [subprocess.Popen(list(service.argv)) for service in services]
    try:
        yield started[0].pid
    finally:
        for process in started:
            process.kill()
            process.wait()


@pytest.fixture(scope="module")
def busy_shop(tmp_path_factory: pytest.TempPathFactory) -> Iterator[int]:
    """The pid of a shop with a hot function, under load."""
    yield from _run_shop("gil", tmp_path_factory.mktemp("busy-shop"))


@pytest.fixture(scope="module")
def leaking_shop(tmp_path_factory: pytest.TempPathFactory) -> Iterator[int]:
    """The pid of a shop that leaks file descriptors."""
    yield from _run_shop("fds", tmp_path_factory.mktemp("leaking-shop"))


def test_this_host_has_live_data_within_a_minute(product: Product):
    host = until(lambda: [h for h in product.ask("/hosts")["results"] if h["last_seen_at"]], 60)[0]
    assert host["name"] == socket.gethostname()

    def points() -> list[object]:
        lines = product.ask(f"/series?host={host['id']}&metric=cpu_seconds_total&from=-5m")
        return [line for line in lines["results"] if any(value for value in line["values"])]

    until(points, 60)


def test_the_printed_link_signs_in_once(product: Product):
    link = product.link()
    status, _ = product.request("GET", link)
    assert status in {200, 302}


def test_a_leak_becomes_a_finding_with_evidence_and_advice(product: Product, leaking_shop: int):
    def found() -> list[dict[str, object]]:
        findings = product.ask("/findings?state=open")["results"]
        return [finding for finding in findings if finding["subject"].get("pid") == leaking_shop]

    finding = until(found, 120, lambda: "\n".join(product.lines[-20:]))[0]
    assert finding["rule"] == "limits.process_fds"
    assert finding["evidence"]
    assert finding["recommendations"]
    status, page = product.request("GET", str(finding["url"]))
    assert status == 302, page[:200]  # nobody is signed in here


def test_a_python_service_has_a_flame_graph_within_a_minute(product: Product, busy_shop: int):
    def hot() -> bool:
        status, body = _flame_graph(product)
        return status == 200 and b"try_every_combination" in body

    until(hot, 60, lambda: "\n".join(product.lines[-20:]))


def _flame_graph(product: Product) -> tuple[int, bytes]:
    secret = (product.data_dir / "admin-token").read_text().strip()
    path = "/api/v1/profiles/flamegraph?service=shop.py&type=cpu&from=-5m"
    return product.request("GET", path, headers={"Authorization": f"Bearer {secret}"})


def test_a_capture_starts_within_two_seconds_and_ends_as_a_flame_graph(product: Product, busy_shop: int):
    capture = _capture(product, busy_shop)
    done = until(lambda: _ended(product, capture["id"]), 30, lambda: "\n".join(product.lines[-20:]))
    assert done["state"] == "done", done
    assert done["samples"] > 0
    waited = datetime.fromisoformat(done["started_at"]) - datetime.fromisoformat(done["requested_at"])
    assert waited.total_seconds() < 2


def test_a_capture_of_a_process_that_is_gone_fails_in_plain_words(product: Product):
    gone = subprocess.Popen([sys.executable, "-c", "pass"])
    gone.wait()
    capture = _capture(product, gone.pid)
    ended = until(lambda: _ended(product, capture["id"]), 30)
    assert ended["state"] == "failed"
    assert str(gone.pid) in ended["message"]


def _capture(product: Product, pid: int) -> dict[str, str]:
    host = product.ask("/hosts")["results"][0]["id"]
    body = {"target": {"host": host, "pid": pid}, "kind": "cpu", "seconds": 2, "hz": 100, "reason": "a test"}
    return product.ask("/captures", "POST", body)


def _ended(product: Product, capture: str) -> dict[str, str] | None:
    answer = product.ask(f"/captures/{capture}")
    return answer if answer["state"] in {"done", "failed", "expired", "cancelled"} else None


@pytest.mark.parametrize(
    "part", ["celery -A diagnose.celery:app -q worker", "valkey-server", "collectors run"]
)
def test_a_killed_part_is_started_again_and_data_goes_on(product: Product, part: str):
    before = len(product.lines)
    os.kill(product.pid_of(part), signal.SIGKILL)
    product.wait_for_line("starting it again", 10, since=before)
    seen = product.ask("/hosts")["results"][0]["last_seen_at"]
    until(lambda: product.ask("/hosts")["results"][0]["last_seen_at"] > seen, 60)


def test_doctor_finds_all_parts_well(product: Product):
    argv = [sys.executable, str(ROOT / "manage.py"), "doctor"]
    done = subprocess.run(argv, cwd=ROOT, env=product.environ, capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stdout
    assert "WRONG" not in done.stdout


def test_a_second_supervisor_on_the_same_data_is_refused_in_one_line(product: Product):
    _refused(product.environ, "already runs")
    other = {**product.environ, "DATA_DIR": f"{product.data_dir}-other"}
    _refused(other, f"port {PORT} is taken")


def test_ctrl_c_leaves_no_process(product: Product):
    assert len(product.processes()) >= 6
    assert product.stop(signal.SIGINT) == 0
    assert product.processes() == {}


def test_it_starts_again_in_seconds_and_kill_9_leaves_no_orphan(product: Product):
    assert product.start() < 20
    until(lambda: len(product.processes()) >= 6, 20)
    product.stop(signal.SIGKILL)
    until(lambda: not product.processes(), 15, lambda: str(product.processes()))


@pytest.mark.parametrize(
    ("setting", "value", "says"),
    [
        ("DIAGNOSE_PORT", "eighty", "DIAGNOSE_PORT='eighty' cannot be used: use a whole number"),
        ("REDIS_URL", "http://queue", "REDIS_URL='http://queue' cannot be used"),
        ("DATA_DIR", "/dev/null/data", "DATA_DIR='/dev/null/data' cannot be used (Not a directory)"),
        ("DIAGNOSE_BIND", "192.0.2.1", "no address of this machine"),
        ("DATABASE_URL", "postgresql://127.0.0.1:1/diagnose", "is the server running"),
    ],
)
def test_a_wrong_setting_is_one_line_with_the_remedy(tmp_path: Path, setting: str, value: str, says: str):
    _refused({**Product(tmp_path, PORT + 10).environ, setting: value}, says)


def _refused(environ: dict[str, str], says: str) -> None:
    argv = [sys.executable, str(ROOT / "manage.py"), "up"]
    done = subprocess.run(argv, cwd=ROOT, env=environ, capture_output=True, text=True, timeout=60)
    assert done.returncode == 2
    assert says in done.stderr
    assert len(done.stderr.strip().splitlines()) == 1
