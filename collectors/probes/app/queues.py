"""Jobs that wait in lists of Redis or Valkey (Celery, RQ and others), at addresses that the host's owner configured.

Two commands of the protocol need no library; whoever the collector runs for need not have one.
"""

from __future__ import annotations

import socket
from collections import defaultdict
from collections.abc import Iterator, Sequence
from contextlib import closing
from urllib.parse import SplitResult, parse_qs, unquote, urlsplit

from collectors.probe import Cost, Host, Metric, NoData
from collectors.readings import gauge
from collectors.wire import ProbeStatus, Sample

SECONDS = 2.0
PORT = 6379
# Celery keeps a list for each priority step (kombu.transport.redis: priority_steps, sep); the first has no suffix.
_PRIORITIES = ("", "\x06\x163", "\x06\x166", "\x06\x169")
_MOST_LINE_BYTES = 1024

Target = tuple[str, str]  # list, address of its store


class Queues:
    """A store that is slow or away costs its own lists only."""

    NAME = "queues"
    COST: Cost = "cheap"
    INTERVAL_SECONDS = 10.0
    METRICS: tuple[Metric, ...] = (
        Metric(
            "job_queue_length", "", "Jobs that wait in a list, all priorities of Celery.", ("queue", "store")
        ),
    )

    def __init__(self, targets: Sequence[Target]) -> None:
        self._stores: defaultdict[str, list[str]] = defaultdict(list)
        for queue, address in targets:
            self._stores[address].append(queue)

    def collect(self, host: Host) -> Iterator[Sample]:
        """NoData when no store could be asked; else each has a status of its own."""
        failed: list[str] = []
        for address, queues in self._stores.items():
            parts = urlsplit(address)
            store, reason = name_of(parts), ""
            try:
                for queue, length in lengths(parts, queues).items():
                    yield gauge("job_queue_length", host.now_ns, length, {"queue": queue, "store": store})
            except (OSError, ValueError) as error:
                reason = f"{store}: {error}; see queues.targets"
                failed.append(reason)
            yield ProbeStatus(f"queues.{store}", not reason, reason, 0.0, 0)
        if failed and len(failed) == len(self._stores):
            raise NoData("; ".join(failed))


def name_of(store: SplitResult) -> str:
    """Without user and password."""
    return f"{store.hostname}:{store.port or PORT}/{_database(store)}" if store.hostname else store.path


def lengths(store: SplitResult, queues: Sequence[str]) -> dict[str, int]:
    """Jobs by list. OSError or ValueError, with what the store said, when it cannot be asked."""
    asked = [(queue, f"{queue}{priority}") for queue in queues for priority in _PRIORITIES]
    found: dict[str, int] = dict.fromkeys(queues, 0)
    with closing(_connected(store)) as connection, connection.makefile("rb") as answers:
        greetings = [*_greetings(store)]
        connection.sendall(
            b"".join(_command(*words) for words in (*greetings, *(("LLEN", key) for _, key in asked)))
        )
        for _ in greetings:
            _answer(answers.readline(_MOST_LINE_BYTES))
        for queue, _ in asked:
            found[queue] += int(_answer(answers.readline(_MOST_LINE_BYTES)))
    return found


def _connected(store: SplitResult) -> socket.socket:
    if store.hostname:
        return socket.create_connection((store.hostname, store.port or PORT), SECONDS)
    connection = socket.socket(socket.AF_UNIX)
    try:
        connection.settimeout(SECONDS)
        connection.connect(store.path)
    except BaseException:
        connection.close()
        raise
    return connection


def _greetings(store: SplitResult) -> Iterator[tuple[str, ...]]:
    if store.password:
        yield ("AUTH", *((unquote(store.username),) if store.username else ()), unquote(store.password))
    yield "SELECT", str(_database(store))


def _database(store: SplitResult) -> int:
    """Of `redis://host/2`, or `redis+socket:///path?virtual_host=2` as Celery writes it."""
    text = store.path.strip("/") if store.hostname else parse_qs(store.query).get("virtual_host", ["0"])[0]
    return int(text or 0)


def _command(*words: str) -> bytes:
    """An array of bulk strings of RESP, the protocol of Redis."""
    encoded = [word.encode() for word in words]
    return b"*%d\r\n" % len(encoded) + b"".join(b"$%d\r\n%b\r\n" % (len(word), word) for word in encoded)


def _answer(line: bytes) -> str:
    """Of a simple string or an integer; ValueError with the store's words when it is an error."""
    text = line.decode("utf-8", "replace").strip()
    if line[:1] not in b"+:" or not line.endswith(b"\r\n") or len(text) < 2:
        raise ValueError(text.removeprefix("-") or "closed the connection")
    return text[1:]
