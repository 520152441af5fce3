"""The shop is a real service and its faults are real: each is seen from outside, without Diagnose."""

from __future__ import annotations

import http.client
import json
import socket
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path

import pytest

from diagnose.demo import faults


@pytest.fixture
def run(tmp_path: Path) -> Iterator[Callable[[str, bool], tuple[int, int]]]:
    """Starts the shop of a fault, with its customers if asked; returns its port and pid."""
    processes: list[subprocess.Popen[bytes]] = []

    def start(name: str, customers: bool = False) -> tuple[int, int]:
        with socket.create_server(("127.0.0.1", 0)) as listener:
            port = listener.getsockname()[1]
        fault = next(fault for fault in faults.FAULTS if fault.name == name)
        processes.append(subprocess.Popen(list(faults.shop(fault, port, tmp_path).argv)))
        _wait_until(lambda: _answers(port), 10)
        if customers:
            processes.append(subprocess.Popen(list(faults.load(fault, port).argv)))
        return port, processes[0].pid

    try:
        yield start
    finally:
        for process in processes:
            process.kill()
            process.wait()


def _wait_until(holds: Callable[[], bool], seconds: float) -> None:
    deadline = time.monotonic() + seconds
    while not holds():
        assert time.monotonic() < deadline
        time.sleep(0.05)


def _ask(port: int, method: str = "GET", path: str = "/products") -> dict[str, object]:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=10)
    try:
        connection.request(method, path, body=b"" if method == "POST" else None)
        return json.loads(connection.getresponse().read())
    finally:
        connection.close()


def _answers(port: int) -> bool:
    try:
        return bool(_ask(port)["products"])
    except OSError:
        return False


def _listen_overflows() -> int:
    lines = [line.split() for line in Path("/proc/net/netstat").read_text().splitlines()]
    names, values = (line for line in lines if line[0] == "TcpExt:")
    return int(values[names.index("ListenOverflows")])


def test_the_shop_sells(run):
    port, _ = run("backlog")
    assert len(_ask(port)["products"]) == 20
    assert _ask(port, "GET", "/price")["cents"] > 0
    first = _ask(port, "POST", "/orders")["order"]
    assert _ask(port, "POST", "/orders")["order"] == first + 1


def test_the_hot_function_keeps_a_core_busy_while_its_customers_wait(run):
    _, pid = run("gil", True)

    def cpu_seconds() -> float:
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / 100

    before = cpu_seconds()
    time.sleep(3)
    assert cpu_seconds() - before > 0.8


def test_bursts_over_the_backlog_make_the_kernel_drop_connections(run):
    before = _listen_overflows()
    run("backlog", True)
    _wait_until(lambda: _listen_overflows() - before > 50, 15)


def test_each_order_leaks_one_descriptor(run):
    port, pid = run("fds")
    for _ in range(10):
        _ask(port, "POST", "/orders")
    opened = []
    for path in Path(f"/proc/{pid}/fd").iterdir():
        with suppress(FileNotFoundError):  # a connection that was closed meanwhile
            opened.append(path.readlink())
    assert len([path for path in opened if path.name.startswith("receipt-")]) == 10
