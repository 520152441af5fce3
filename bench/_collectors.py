"""Many collectors in one process: each its own host, token, connection, sequence and moment in the ten seconds.

What they send is packed by the collector's own code ten times a second, for all that push in that moment; only the
envelope is made for each, so that the generator takes little of the machine it measures.
"""

from __future__ import annotations

import heapq
import http.client
import random
import threading
import time
from collections import Counter, deque
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cache
from itertools import count

import msgspec

from bench import _workload
from collectors import wire
from collectors.agent import PUSH_SECONDS
from collectors.columns import Frame, StackColumns, StackSample
from collectors.delivery import payload
from collectors.delivery.gather import Gather

SERIES, PROFILES, SERVICES, VARIANTS = 400, 2, 20, 64
_MOMENT_SECONDS = 0.1
_THREADS = 24
_EPOCH = "00000000f1ee7000"


class Content:
    """The content of a batch, as it is at a moment."""

    def __init__(self) -> None:
        self._variants = [_variant(number) for number in range(VARIANTS)]
        self._lock = threading.Lock()
        self._moment, self._packed = 0.0, b""

    def now(self) -> bytes:
        with self._lock:
            if time.time() - self._moment > _MOMENT_SECONDS:
                self._moment = time.time()
                gather = Gather()
                for sample in self._made(time.time_ns()):
                    gather.add("probe", sample)
                self._packed = payload.pack(gather.take())
            return self._packed

    def _made(self, now: int) -> list[wire.Sample]:
        profiles = [
            msgspec.structs.replace(one, start_ns=now - int(PUSH_SECONDS * 1e9), end_ns=now)
            for one in random.choice(self._variants)
        ]
        points = [
            wire.Points(
                f"metric_{n % 40}", {"cpu": str(n // 40)}, [now], [float(random.randrange(1000))], True
            )
            for n in range(SERIES)
        ]
        return [*profiles, *points]


def _variant(number: int) -> list[wire.Stacks]:
    """Profiles of two services: 100-200 stacks of depth 15-60, which is what ten seconds of a busy service give."""
    chance = random.Random(number)
    found = []
    for service in chance.sample(range(SERVICES), PROFILES):
        chosen = chance.sample(_stacks(service), chance.randint(100, 200))
        found.append(_profile(f"shop-{service}", chosen, chance))
    return found


@cache
def _stacks(service: int) -> list[list[int]]:
    return _workload.stacks(service, 400)


def _profile(service: str, stacks: list[list[int]], chance: random.Random) -> wire.Stacks:
    functions = _workload.functions()
    used = {function: index for index, function in enumerate(dict.fromkeys(f for s in stacks for f in s))}
    strings = {"": 0, "MainThread": 1}
    frames = [
        Frame(*(strings.setdefault(text, len(strings)) for text in functions[function][:2]), functions[function][2], 0)
        for function in used
    ]  # fmt: skip
    samples = [StackSample(number, 1, chance.randint(1, 20)) for number in range(len(stacks))]
    columns = StackColumns.of(frames, [[used[function] for function in stack] for stack in stacks], samples)
    return wire.Stacks("cpu", "samples", service, {"pid": "812"}, 0, 0, 10_000_000, list(strings), columns)


@dataclass(slots=True)
class Collector:
    """`waiting` are batches that were not taken yet, oldest first; `sent_at` when each was sent for the first time."""

    identity: str
    token: str
    host_id: int
    next_seq: int = 1
    committed_seq: int = 0
    next_push: float = 0.0
    connection: http.client.HTTPConnection | None = None
    waiting: deque[tuple[int, bytes]] = field(default_factory=deque)
    sent_at: dict[int, float] = field(default_factory=dict)


@dataclass(slots=True)
class Traffic:
    """Since the last `reset`."""

    bytes: int = 0
    batches: int = 0
    answers: Counter[int] = field(default_factory=Counter)


class Fleet:
    """`run` pushes for all collectors until `stop`; threads share them by whose turn is next."""

    def __init__(self, address: tuple[str, int], content: Content, collectors: Sequence[Collector]) -> None:
        self.traffic = Traffic()
        self._address, self._content = address, content
        self._lock, self._order, self._stopping = threading.Lock(), count(), threading.Event()
        self._turns: list[tuple[float, int, Collector]] = []
        self._threads: list[threading.Thread] = []
        self.collectors: list[Collector] = []
        self.add(collectors)

    def add(self, collectors: Sequence[Collector]) -> None:
        """Their first pushes spread over ten seconds, as those of hosts that started whenever."""
        for one in collectors:
            one.next_push = time.monotonic() + random.uniform(0, PUSH_SECONDS)
            self._give_back(one, one.next_push)
        self.collectors += collectors

    def start(self) -> None:
        self._threads = [threading.Thread(target=self._run, daemon=True) for _ in range(_THREADS)]
        for thread in self._threads:
            thread.start()

    def stop(self) -> None:
        self._stopping.set()
        for thread in self._threads:
            thread.join()

    def _run(self) -> None:
        while not self._stopping.is_set():
            one = self._take()
            if one is None:
                time.sleep(0.005)
            else:
                self._give_back(one, self._turn(one))

    def _take(self) -> Collector | None:
        with self._lock:
            if self._turns and self._turns[0][0] <= time.monotonic():
                return heapq.heappop(self._turns)[2]
        return None

    def _give_back(self, one: Collector, due: float) -> None:
        with self._lock:
            heapq.heappush(self._turns, (due, next(self._order), one))

    def _turn(self, one: Collector) -> float:
        """Put what is due into the spool, send all of it or up to the first refusal; when to come again."""
        while time.monotonic() >= one.next_push:
            one.waiting.append((one.next_seq, self._content.now()))
            one.next_seq += 1
            one.next_push += PUSH_SECONDS
        while one.waiting:
            seq, content = one.waiting[0]
            status, retry_after = self._send(one, seq, content)
            self.traffic.answers[status] += 1
            if status != 202:
                return time.monotonic() + retry_after * random.uniform(1.0, 1.5)
            one.waiting.popleft()
        return one.next_push

    def _send(self, one: Collector, seq: int, content: bytes) -> tuple[int, float]:
        """Status (0: no answer) and Retry-After."""
        batch = wire.Batch(wire.VERSION, one.identity, _EPOCH, seq, 1, time.time_ns(), content, "bench")
        body = wire.encode_batch(batch)
        headers = {"Authorization": f"Bearer {one.token}", "Content-Type": wire.CONTENT_TYPE}
        one.sent_at.setdefault(seq, time.monotonic())
        try:
            if one.connection is None:
                one.connection = http.client.HTTPConnection(*self._address, timeout=15)
            one.connection.request("POST", "/api/v1/batches", body, headers)
            answer = one.connection.getresponse()
            answer.read()
        except (OSError, http.client.HTTPException):
            if one.connection is not None:
                one.connection.close()
            one.connection = None
            return 0, 1.0
        if answer.status == 202:
            self.traffic.bytes += len(body)
            self.traffic.batches += 1
        return answer.status, float(answer.headers.get("Retry-After") or 1.0)
