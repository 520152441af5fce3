"""A place that takes what channels send, and findings to tell of."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest

from diagnose.access import sealing
from diagnose.alerts import channels
from diagnose.models import AlertChannel, Finding, Host

NOW = datetime(2026, 11, 25, 9, 0, tzinfo=UTC)


@dataclass
class Received:
    """One request as it came."""

    path: str
    headers: dict[str, str]
    body: bytes

    def json(self) -> Any:
        return json.loads(self.body)


@dataclass
class Receiver:
    """What a channel's service is here. `answers` are given in their order, the last one for ever."""

    url: str
    got: list[Received] = field(default_factory=list)
    answers: list[tuple[int, bytes]] = field(default_factory=lambda: [(200, b'{"errcode": 0}')])


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            found.got.append(Received(self.path, dict(self.headers), body))
            status, answer = found.answers.pop(0) if len(found.answers) > 1 else found.answers[0]
            self.send_response(status)
            if status == 302:
                self.send_header("Location", "/elsewhere")
            self.send_header("Content-Length", str(len(answer)))
            self.end_headers()
            self.wfile.write(answer)

        def log_message(self, *_: Any) -> None: ...

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    found = Receiver(f"http://127.0.0.1:{server.server_port}")
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield found
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


@pytest.fixture
def channel(db) -> Callable[..., AlertChannel]:
    def make(kind: str = "webhook", settings: dict[str, str] | None = None, **chosen: Any) -> AlertChannel:
        found = channels.of(kind)
        assert found
        secret = {each.name for each in found.FIELDS if each.secret}
        sealed = {
            name: sealing.seal(text) if name in secret else text for name, text in (settings or {}).items()
        }
        return AlertChannel.objects.create(
            name=chosen.pop("name", kind), kind=kind, settings=sealed, **chosen
        )

    return make


@pytest.fixture
def finding(host: Host) -> Callable[..., Finding]:
    def make(**chosen: Any) -> Finding:
        values: dict[str, Any] = {
            "rule": "network.accept_queue_overflow",
            "service": "shop",
            "headline": "shop drops 285 connections/s: it asked for a backlog of 16",
            "confidence": 0.97,
            "impact_share": 0.42,
            "opened_at": NOW,
            "last_seen_at": NOW,
            "window_from": NOW,
            "window_to": NOW,
            "subject_key": f"k{Finding.objects.count()}",
            "detail": {
                "impact": {"text": "42 % of connections wait a second or more"},
                "recommendations": [{"target": "backlog of shop", "current": "16", "proposed": "1024"}],
            },
        }
        return Finding.objects.create(host=host, **{**values, **chosen})

    return make
