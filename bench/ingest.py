"""The whole path on one machine: `python -m bench.ingest`.

Method: the product's own web process, two workers (WORKERS=2) and Valkey, as `manage.py up` runs them, and a client of
eight threads that posts what 50 collectors would: batches of eight profiles (150-400 stacks, depth 15-60, with all
their names) and 400 points, packed by the collector's own code. There are 400 different ones, and a round of 1,600
batches sends each four times; the first round, which meets all stacks, stands apart. The clock stops when the last
batch is committed, as the next answers of the API would tell. The client runs on the same cores. `decode_and_write` is
the worker's part alone, in this process, in groups as the worker takes them, without HTTP and queue. The rows of CPU
are user and system time of each process in /proc. `beside` is SQLite with a row per stack, fed with decoded profiles.
"""

from __future__ import annotations

import http.client
import os
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from bench import _results, _workload
from bench._installation import installation
from bench._machine import started, usage_of, wait_for
from bench._results import Row, row
from bench._row_per_stack import RowPerStack
from collectors import wire
from collectors.columns import Frame, StackColumns, StackSample
from collectors.delivery import payload
from collectors.delivery.gather import Gather

PORT, WORKERS = 18_490, 2
HOSTS, PROFILES, SERIES, CONTENTS, BATCHES, PEER_BATCHES, ROUNDS = 50, 8, 400, 400, 1_600, 200, 5
EPOCH = f"{int.from_bytes(b'bench'):x}"


def main() -> None:
    os.environ |= {"DIAGNOSE_PORT": str(PORT), "WORKERS": str(WORKERS)}
    with installation() as folder:
        from diagnose.management import services, static

        static.collect()
        parts = [services.valkey(folder), services.web(), *services.workers()]
        with started(parts) as groups:
            wait_for(services.web_answers)
            rounds = list(measured(folder, groups))
    _results.write("ingest", list(figures(rounds)))


def measured(folder: Path, groups: dict[str, int]) -> Iterator[Round]:
    as_in_the_worker()
    tokens = enrolled()
    pool, stacks = _workload.profiles(1, CONTENTS), [_workload.stacks(seed) for seed in range(4)]
    contents = [content(number, pool, stacks) for number in range(CONTENTS)]
    peer = RowPerStack(folder / "rows.sqlite3")
    for number in range(ROUNDS + 1):
        yield one_round(number, contents, tokens, groups, lambda: row_per_stack_seconds(peer, pool))


def one_round(
    number: int,
    contents: Sequence[bytes],
    tokens: list[str],
    groups: dict[str, int],
    peer: Callable[[], float],
) -> Round:
    """Every host sends as many batches; each content is sent by several hosts."""
    each = BATCHES // HOSTS
    bodies = [
        (host, in_envelope(host, EPOCH, number * each + turn + 1, contents[(turn * HOSTS + host) % CONTENTS]))
        for turn in range(each)
        for host in range(HOSTS)
    ]
    before = cpu_seconds(groups)
    seconds = seconds_to_commit(bodies, tokens)
    spent = {name: each - before[name] for name, each in cpu_seconds(groups).items()}
    found = Round(
        per_second=BATCHES / seconds,
        cpu_ms={name: 1000 * each / BATCHES for name, each in spent.items()},
        alone_per_second=CONTENTS / decode_and_write_seconds(bodies[:CONTENTS]),
        peer_profiles=PEER_BATCHES * PROFILES / peer(),
        body_bytes=sum(len(data) for _, data in bodies) / BATCHES,
    )
    print(found, file=sys.stderr)
    return found


@dataclass(frozen=True, slots=True)
class Round:
    """Batches per second over the whole path and in the worker's function alone; CPU per batch by process."""

    per_second: float
    cpu_ms: dict[str, float]
    alone_per_second: float
    peer_profiles: float
    body_bytes: float


def as_in_the_worker() -> None:
    from diagnose.celery import collect_garbage_seldom

    collect_garbage_seldom()


def cpu_seconds(groups: dict[str, int]) -> dict[str, float]:
    """By service, all workers together."""
    spent = {name: usage_of(group).cpu_seconds for name, group in groups.items()}
    return {
        "valkey": spent["valkey"],
        "web": spent["web"],
        "workers": sum(each for name, each in spent.items() if name.startswith("worker")),
    }


def figures(rounds: list[Round]) -> Iterator[Row]:
    """Batches per second in the terms that matter; the first round, which meets all stacks, stands apart."""
    first, *rounds = rounds
    cold = first.per_second * PROFILES
    yield row("whole_path_profiles_first_meeting_all_stacks", [cold], "profiles/s", "higher", None)
    rates = [one.per_second for one in rounds]
    alone = [one.alone_per_second for one in rounds]
    beside = {"sqlite_row_per_stack": [one.peer_profiles for one in rounds]}
    yield row("whole_path_profiles", [r * PROFILES for r in rates], "profiles/s", "higher", 3_000, beside)
    yield row("whole_path_points", [r * SERIES for r in rates], "points/s", "higher", 150_000)
    yield row("decode_and_write_profiles", [r * PROFILES for r in alone], "profiles/s", "higher", None)
    yield row("decode_and_write_points", [r * SERIES for r in alone], "points/s", "higher", None)
    for name in ("web", "workers", "valkey"):
        spent = [one.cpu_ms[name] for one in rounds]
        yield row(f"{name}_cpu_ms_per_batch", spent, "ms", "lower", None)
    yield row("bytes_per_batch", [one.body_bytes for one in rounds], "bytes", "lower", None)


def enrolled() -> list[str]:
    """The secrets of HOSTS collectors."""
    from diagnose.access import tokens
    from diagnose.models import Host, Token

    hosts = [Host.objects.create(identity=f"{n:032x}", name=f"web-{n}") for n in range(HOSTS)]
    return [tokens.issue(Token.Kind.HOST, label="bench", host=host) for host in hosts]


def content(number: int, pool: Sequence[_workload.Profile], stacks: list[list[list[int]]]) -> bytes:
    """What a collector spools: two profiles of each of four services, and a reading of each series."""
    now = time.time_ns()
    gather = Gather()
    for n in range(PROFILES):
        chosen = pool[(number * PROFILES + n) % len(pool)]
        gather.add("stacks", profile(chosen, stacks[n % 4], f"shop-{n % 4}", now))
    for n in range(SERIES):
        value = float(n * number % 97)
        gather.add("cpu", wire.Points(f"metric_{n % 40}", {"cpu": str(n // 40)}, [now], [value], True))
    return payload.pack(gather.take())


def in_envelope(host: int, epoch: str, seq: int, content: bytes, oldest_seq: int = 1) -> bytes:
    batch = wire.Batch(wire.VERSION, f"{host:032x}", epoch, seq, oldest_seq, time.time_ns(), content)
    return wire.encode_batch(batch)


def profile(chosen: _workload.Profile, stacks: list[list[int]], service: str, now: int) -> wire.Stacks:
    """One profile with all its names, as a collector sends it."""
    mine = [stacks[number] for number in chosen.numbers.tolist()]
    used = {
        function: index for index, function in enumerate(dict.fromkeys(f for stack in mine for f in stack))
    }
    functions = _workload.functions()
    strings = {"": 0, "MainThread": 1}
    frames = []
    for function in used:
        name, file, line = functions[function]
        at_name, at_file = (strings.setdefault(text, len(strings)) for text in (name, file))
        frames.append(Frame(at_name, at_file, line, 0))
    return wire.Stacks(
        type="cpu", unit="samples", service=service, labels={"pid": "812"}, start_ns=now - 10**10, end_ns=now,
        period=10_000_000, strings=list(strings),
        columns=StackColumns.of(
            frames,
            [[used[function] for function in stack] for stack in mine],
            [StackSample(n, 1, count) for n, count in enumerate(chosen.counts.tolist())],
        ),
    )  # fmt: skip


def seconds_to_commit(bodies: list[tuple[int, bytes]], tokens: list[str]) -> float:
    """From the first post until every host's mark has moved over its last batch."""
    from diagnose.models import IngestEpoch

    expected = committed_batches() + len(bodies)
    began = time.perf_counter()
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda part: post(part, tokens), [bodies[n::8] for n in range(8)]))
    while committed_batches() < expected:
        if time.perf_counter() - began > 120:
            raise SystemExit(
                f"only {committed_batches()} of {expected} committed: {IngestEpoch.objects.values()}"
            )
        time.sleep(0.02)
    return time.perf_counter() - began


def committed_batches() -> int:
    from django.db.models import Sum

    from diagnose.models import IngestEpoch, QuarantinedBatch

    if QuarantinedBatch.objects.exists():
        raise SystemExit(QuarantinedBatch.objects.first())
    return IngestEpoch.objects.aggregate(n=Sum("committed_seq"))["n"] or 0


def post(bodies: list[tuple[int, bytes]], tokens: list[str]) -> None:
    """One kept connection; a full queue is waited out as a collector does."""
    connection = http.client.HTTPConnection("127.0.0.1", PORT, timeout=30)
    for host, data in bodies:
        headers = {
            "Authorization": f"Bearer {tokens[host]}",
            "Content-Type": wire.CONTENT_TYPE,
        }
        while True:
            connection.request("POST", "/api/v1/batches", data, headers)
            answer = connection.getresponse()
            text = answer.read()
            if answer.status == 202:
                break
            if answer.status != 429:
                raise SystemExit(f"{answer.status}: {text[:300]!r}")
            time.sleep(0.2)


def row_per_stack_seconds(peer: RowPerStack, pool: Sequence[_workload.Profile]) -> float:
    """The same number of profiles into the plain baseline, already decoded."""
    began = time.perf_counter()
    for number in range(PEER_BATCHES):
        chosen = [pool[int(n)] for n in (np.arange(PROFILES) + number * PROFILES) % len(pool)]
        peer.append(number % HOSTS, time.time_ns(), chosen)
    return time.perf_counter() - began


def decode_and_write_seconds(bodies: list[tuple[int, bytes]]) -> float:
    """The worker's function on batches of an epoch of their own."""
    from diagnose.ingest import decode, pending, write
    from diagnose.models import Host

    numbers = dict(Host.objects.values_list("identity", "pk"))
    epoch = f"{time.time_ns():x}"[:16]
    waiting = []
    for host, data in bodies:
        batch = decode.envelope(data)
        again = in_envelope(host, epoch, batch.seq, batch.content, batch.seq)
        waiting.append(pending.Waiting(numbers[batch.host], epoch, batch.seq, again, time.time_ns()))
    began = time.perf_counter()
    for first in range(0, len(waiting), pending.GROUP_BATCHES):
        write.write(waiting[first : first + pending.GROUP_BATCHES])
    return time.perf_counter() - began


if __name__ == "__main__":
    main()
