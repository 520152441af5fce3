"""The stream process as `manage.py up` starts it: granian with one worker, and a real Valkey."""

from __future__ import annotations

import http.client
import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from urllib.parse import urlencode

import pytest
import redis

from diagnose import queue
from diagnose.access import tickets


@dataclass(frozen=True, slots=True)
class Stream:
    """Where it listens, and its process."""

    port: int
    process: subprocess.Popen[bytes]

    def get(
        self, path: str, headers: dict[str, str] | None = None, **query: object
    ) -> http.client.HTTPResponse:
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=20)
        connection.request("GET", f"{path}?{urlencode(query)}", headers=headers or {})
        return connection.getresponse()

    def commands(self, host_id: int, **query: object) -> http.client.HTTPResponse:
        return self.get("/commands", ticket=tickets.sign(queue.commands_stream(host_id)), **query)

    def events(self, capture_id: str, last_event_id: str = "") -> http.client.HTTPResponse:
        headers = {"Last-Event-ID": last_event_id} if last_event_id else {}
        return self.get("/events", headers, ticket=tickets.sign(queue.capture_stream(capture_id)))

    def waiting(self) -> int:
        return int(json.load(self.get("/health"))["waiting"])

    def stop(self) -> None:
        self.process.send_signal(signal.SIGTERM)
        try:
            self.process.wait(10)
        except subprocess.TimeoutExpired:
            os.killpg(self.process.pid, signal.SIGKILL)
            raise


def until(condition: Callable[[], bool], seconds: float = 20.0) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, f"not so after {seconds} s"
        time.sleep(0.02)


def start(redis_url: str | None = None) -> Stream:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = int(probe.getsockname()[1])
    argv = [
        sys.executable,
        "-m",
        "granian",
        "--interface",
        "asgi",
        "--host",
        "127.0.0.1",
        "--port",
        str(port),
    ]
    argv += ["--no-ws", "--log-level", "error", "diagnose.stream.app:application"]
    environment = {**os.environ, **({"REDIS_URL": redis_url} if redis_url else {})}
    stream = Stream(port, subprocess.Popen(argv, start_new_session=True, env=environment))
    try:
        until(lambda: is_healthy(stream))
    except BaseException:
        os.killpg(stream.process.pid, signal.SIGKILL)
        raise
    return stream


def is_healthy(stream: Stream) -> bool:
    assert stream.process.poll() is None, "granian ended"
    try:
        return stream.get("/health").status == 200
    except OSError:
        return False


@pytest.fixture(scope="module")
def stream(valkey: redis.Redis) -> Iterator[Stream]:
    started = start()
    try:
        yield started
    finally:
        started.stop()
