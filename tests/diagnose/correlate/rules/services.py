"""Services made by hand: stacks of requests, what their threads wait for, and the requests they answer."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from diagnose.correlate.samples import Frame, Profile, Samples, Stack
from tests.diagnose.correlate.windows import synthetic

SHOP = {"pid": "812", "service": "shop"}
LISTENER = {"listener": "10.0.0.1:80"}
# Down to where a threaded server calls the service's own code, and the loop of asyncio.
SERVER = (
    Frame("Thread.run", "/usr/lib/python3.11/threading.py", 982),
    Frame("BaseHTTPRequestHandler.handle", "/usr/lib/python3.11/http/server.py", 436),
)
LOOP = (
    Frame("run", "/usr/lib/python3.11/asyncio/runners.py", 118),
    Frame("BaseEventLoop._run_once", "/usr/lib/python3.11/asyncio/base_events.py", 1922),
)
LOOP_CALLS = (*LOOP, Frame("Handle._run", "/usr/lib/python3.11/asyncio/events.py", 80))
LOOP_WAITS = (*LOOP, Frame("EpollSelector.select", "/usr/lib/python3.11/selectors.py", 468))


def own(name: str, line: int) -> Frame:
    return Frame(name, "/srv/shop/views.py", line)


def library(name: str, file: str, line: int = 1) -> Frame:
    return Frame(name, f"/usr/lib/python3.11/{file}", line)


def at_request(count: int, *frames: Frame) -> Stack:
    return Stack("Thread-N", (*SERVER, *frames), count)


def on_loop(count: int, *frames: Frame) -> Stack:
    return Stack("MainThread", (*LOOP_CALLS, *frames), count)


def service(
    wall: Sequence[Stack] = (),
    cpu: Sequence[Stack] = (),
    *,
    looks: int = 200,
    cores: float = 0.1,
    waits: Mapping[str, float] | None = None,
    on_one_lock: float = 0.0,
    age: float = 3600.0,
    wakeups: float | None = None,
    requests: Sequence[Sequence[float]] = (),
    queued: float = 0.0,
    accepts: Sequence[Sequence[float]] = (),
    delay: float = 0.0,
) -> Samples:
    """`shop`, pid 812, over two minutes: `looks` at its threads, `waits` by kind, durations of `requests` and `accepts`
    by ten seconds."""
    readings = {
        "process_cpu_seconds_total": [(SHOP, [cores * 10.0] * 13)],
        "listener_accept_queue_length": [({**SHOP, **LISTENER}, [queued] * 13)],
        "listener_accept_queue_limit": [({**SHOP, **LISTENER}, [1024] * 13)],
        "service_run_delay_seconds_total": [({"service": "shop"}, [delay * 10] * 13)],
        "process_age_seconds": [(SHOP, [age + 10 * step for step in range(13)])],
        "service_threads_waiting": [
            ({"service": "shop", "wait": kind}, [number] * 13)
            for kind, number in (waits or {"poll": 1}).items()
        ],
        "service_threads_on_one_futex": [({"service": "shop", "timed": "no"}, [on_one_lock] * 13)],
        "service_threads_rearming_futex": [({"service": "shop"}, [0.0] * 13)],
    }
    if wakeups is not None:
        readings["epoll_wakeups_total"] = [({"service": "shop", "events": "1"}, [wakeups * 10] * 13)]
    profiles = [
        Profile("shop", 812, kind, 100_000_000, looks / 10, tuple(stacks))
        for kind, stacks in (("wall", wall), ("cpu", cpu))
        if stacks
    ]
    labels = {"service": "shop", **LISTENER}
    durations = {}
    if requests:
        answered = {**labels, "method": "GET", "route": "/", "status_class": "2xx"}
        durations["http_server_seconds"] = [(answered, requests)]
    if accepts:
        durations["accept_wait_seconds"] = [(labels, accepts)]
    return synthetic(readings, step=10, profiles=profiles, durations=durations)
