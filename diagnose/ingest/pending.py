"""Batches between the request and the worker: their bytes in Redis, bounded in number and size, and a task to write.

What waits is a sorted set of names, oldest first. One task is on the queue, however many batches wait: it takes them in
groups. A group that was taken and never written comes again when its collectors send it again.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from functools import cache

from redis.commands.core import Script

from diagnose import queue
from diagnose.celery import app

# At 50 kB a batch this is 50 MB in Redis, and a few seconds of work for two cores.
MAX_WAITING = 1_000
MAX_WAITING_BYTES = 128 * 1024 * 1024
# A push later: refusing costs a third of taking, and a fleet that came back sooner would leave no time for writing.
RETRY_AFTER_SECONDS = 10
# What is decoded and written at once: a transaction costs as much as some batches, and each takes its memory.
GROUP_BATCHES = 32
GROUP_BYTES = 4 * 1024 * 1024
# A collector sends again after 15 s without progress; within 10 s it is the same offer.
_SAME_OFFER_SECONDS = 10
_ATTEMPTS_SECONDS = 3_600
# A task that was lost with its worker is replaced after this.
_TASK_SECONDS = 10
_BYTES, _TASK = f"{queue.WAITING}:bytes", f"{queue.WAITING}:task"

_OFFER = """
local waiting, bytes, task, payload, offered = unpack(KEYS)
local most, most_bytes, name, body, keep, same, received, task_keep = unpack(ARGV)
if redis.call('ZCARD', waiting) >= tonumber(most)
    or tonumber(redis.call('GET', bytes) or '0') >= tonumber(most_bytes) then
  -- Nobody may be writing: then whoever is refused must see to it, for none will be taken any more.
  return redis.call('SET', task, 1, 'NX', 'EX', task_keep) and 'full unattended' or 'full'
end
redis.call('SET', payload, body, 'EX', keep)
if not redis.call('SET', offered, 1, 'NX', 'EX', same) then return 'again' end
if redis.call('ZADD', waiting, 'NX', received, name) == 1 then redis.call('INCRBY', bytes, #body) end
return redis.call('SET', task, 1, 'NX', 'EX', task_keep) and 'first' or 'more'
"""
_TAKE = """
local waiting, bytes, task = unpack(KEYS)
local most, most_bytes, prefix = tonumber(ARGV[1]), tonumber(ARGV[2]), ARGV[3]
local found, size = {}, 0
redis.call('DEL', task)
for _, name in ipairs(redis.call('ZRANGE', waiting, 0, most - 1)) do
  local body = redis.call('GET', prefix .. name)
  if body then
    if #found > 0 and size + #body > most_bytes then break end
    size = size + #body
    table.insert(found, {name, body, redis.call('GET', prefix .. name .. ':attempts') or '0'})
  end
  redis.call('ZREM', waiting, name)
end
-- Counting starts anew whenever nothing waits: bodies that expired while they waited were never taken off.
if redis.call('ZCARD', waiting) == 0 then redis.call('DEL', bytes) else redis.call('DECRBY', bytes, size) end
return found
"""


class QueueFull(Exception):
    """More batches wait than the workers do in a few seconds."""


@dataclass(frozen=True, slots=True)
class Waiting:
    """One batch as it came; `attempts` counts how often it was begun before."""

    host_id: int
    epoch: str
    seq: int
    body: bytes
    received_ns: int
    attempts: int = 0

    @property
    def key(self) -> str:
        return queue.payload_key(self.host_id, self.epoch, self.seq)


@cache
def _script(text: str) -> Script:
    return queue.client().register_script(text)


def offer(host_id: int, epoch: str, seq: int, body: bytes, received_ns: int) -> None:
    """Let a batch wait. Raises QueueFull; the same batch within seconds waits once."""
    key = queue.payload_key(host_id, epoch, seq)
    kept = received_ns.to_bytes(8, "big") + body
    answer = _script(_OFFER)(
        keys=[queue.WAITING, _BYTES, _TASK, key, f"{key}:offered"],
        args=[
            MAX_WAITING,
            MAX_WAITING_BYTES,
            key.removeprefix(queue.PAYLOADS),
            kept,
            queue.PAYLOAD_SECONDS,
            _SAME_OFFER_SECONDS,
            received_ns,
            _TASK_SECONDS,
        ],
        client=queue.client(),
    )
    if answer in (b"first", b"full unattended"):
        send_writer()
    if answer.startswith(b"full"):
        raise QueueFull


def send_writer() -> None:
    """Have what waits written. One too many does nothing: it finds nothing waiting, or somebody at work."""
    app.send_task("diagnose.tasks.write_waiting", [])


def anything() -> bool:
    """Whether any batch waits."""
    return bool(queue.client().zcard(queue.WAITING))


def take() -> list[Waiting]:
    """The oldest batches, which stay in Redis until `forget`; none when nothing waits.

    From then on whoever offers a batch sends for a writer again.
    """
    bounds: list[str | int] = [GROUP_BATCHES, GROUP_BYTES, queue.PAYLOADS]
    rows = _script(_TAKE)(keys=[queue.WAITING, _BYTES, _TASK], args=bounds, client=queue.client())
    return [_waiting(*row) for row in rows]


def _waiting(name: bytes, kept: bytes, attempts: bytes) -> Waiting:
    host, epoch, seq = name.decode().split(":")
    return Waiting(int(host), epoch, int(seq), kept[8:], int.from_bytes(kept[:8], "big"), int(attempts))


def begin(group: Collection[Waiting]) -> None:
    """Count an attempt, before anything of the batches is touched."""
    pipe = queue.client().pipeline(transaction=False)
    for one in group:
        pipe.incr(f"{one.key}:attempts")
        pipe.expire(f"{one.key}:attempts", _ATTEMPTS_SECONDS)
    pipe.execute()


def forgive(group: Collection[Waiting]) -> None:
    """Do not count this attempt: what failed was not the batches."""
    pipe = queue.client().pipeline(transaction=False)
    for one in group:
        pipe.decr(f"{one.key}:attempts")
    pipe.execute()


def forget(group: Collection[Waiting]) -> None:
    """The batches are done."""
    if group:
        queue.client().delete(*(key for one in group for key in (one.key, f"{one.key}:attempts")))


def tell_of_capture(
    capture_id: str, service: str, start_ns: int, end_ns: int, samples: int, types: Sequence[str], unit: str
) -> None:
    """Profiles of the capture are in the store."""
    values = [capture_id, service, start_ns, end_ns, samples, list(types), unit]
    app.send_task("diagnose.tasks.complete_capture", values)
