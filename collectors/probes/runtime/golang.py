"""Memory and collections of Go programs, as their own runtime counts them, from those whose profiles are read.

A program with a page of Prometheus' Go client is asked for that, one with expvar for its variables, and every other for
the remarks of its heap profile. Asking makes the runtime stop the program for some microseconds.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from urllib.parse import urlsplit

import urllib3

from collectors.capture.choose import Denies
from collectors.capture.golang import endpoints
from collectors.capture.golang.endpoint import Busy, Endpoint, alone
from collectors.capture.golang.lane import METRICS as LANE_METRICS
from collectors.kernel import procfs
from collectors.probe import Cost, Host, Metric, NoData
from collectors.processes import gofigures
from collectors.processes.gofigures import Figures
from collectors.readings import count, gauge
from collectors.wire import ProbeStatus, Sample

SECONDS = 1.0
MOST_BYTES = 4 * 1024 * 1024
MOST_ENDPOINTS = 8
_LABELS = ("pid", "service")
_LOOK_PASSES = 3

_Source = tuple[str, Callable[[bytes], Figures | None]]
_HEAP: _Source = ("{pprof}/heap?debug=1", gofigures.of_heap)
_SOURCES: tuple[_Source, ...] = (
    ("/metrics", gofigures.of_metrics),
    ("/debug/vars", gofigures.of_vars),
    _HEAP,
)
# A heap profile is written in full to have the remarks at its end.
HEAP_SECONDS = 60.0


@dataclass(frozen=True, slots=True)
class _Reading:
    """`began` is when its process did (Unix seconds), where that is known."""

    endpoint: Endpoint
    figures: Figures
    began: float | None


class GoRuntime:
    """Of the programs that are named, and with `discover` of those that are found."""

    NAME = "go_runtime"
    COST: Cost = "moderate"
    INTERVAL_SECONDS = 10.0
    METRICS: tuple[Metric, ...] = (
        Metric(
            "go_heap_bytes", "bytes", "Memory of objects, dead ones included until they are swept.", _LABELS
        ),
        Metric(
            "go_heap_goal_bytes", "bytes", "Size of the heap at which the next collection is due.", _LABELS
        ),
        Metric("go_gc_cycles_total", "", "Collections.", _LABELS, counter=True),
        Metric(
            "go_gc_pause_seconds_total",
            "s",
            "Time in which collections stopped the program.",
            _LABELS,
            counter=True,
        ),
        Metric(
            "go_gc_cpu_ratio",
            "",
            "Share of the CPU time that GOMAXPROCS allows, taken by collections.",
            _LABELS,
        ),
        Metric("go_gomaxprocs", "", "CPUs that the program may use at a time.", _LABELS),
        *LANE_METRICS,
    )

    def __init__(self, denies: Denies, discover: bool) -> None:
        self._denies, self._discover = denies, discover
        self._passes = 0
        self._endpoints: list[Endpoint] = []
        self._sources: dict[str, _Source] = {}
        self._before: dict[str, _Reading] = {}
        self._heap_due_ns: dict[str, int] = {}
        timeout = urllib3.Timeout(total=SECONDS)
        self._http = urllib3.PoolManager(num_pools=MOST_ENDPOINTS, retries=False, timeout=timeout)

    def collect(self, host: Host) -> Iterator[Sample]:
        """NoData when no program tells."""
        if self._passes % _LOOK_PASSES == 0 or not self._endpoints:
            found = endpoints.of(host.proc).all(self._denies, discover=self._discover)
            self._endpoints = found[:MOST_ENDPOINTS]
        self._passes += 1
        failed: list[str] = []
        for endpoint in self._endpoints:
            if host.now_ns < self._heap_due_ns.get(endpoint.url, 0):
                yield from self._goroutines(host, endpoint)
                continue
            try:
                figures = self._figures(endpoint)
            except Busy:
                continue
            if figures is None:
                failed.append(f"{endpoint.url} tells nothing of its runtime within {SECONDS:.0f} s")
                continue
            reading = _Reading(endpoint, figures, _began(host, endpoint))
            yield from _samples(host.now_ns, self._before.get(endpoint.url), reading)
            if figures.goroutines is None:
                yield from self._goroutines(host, endpoint)
            self._before[endpoint.url] = reading
            if self._sources[endpoint.url] is _HEAP:
                self._heap_due_ns[endpoint.url] = host.now_ns + int(HEAP_SECONDS * 1e9)
        if not self._endpoints or len(failed) == len(self._endpoints):
            raise NoData("; ".join(failed) or "no program of Go that serves its profiles is named or found")
        yield ProbeStatus(f"{self.NAME}.programs", not failed, "; ".join(failed), 0.0, 0)

    def _goroutines(self, host: Host, endpoint: Endpoint) -> Iterator[Sample]:
        """Their number, from the list of all profiles: to count them stops nobody, to write their stacks does."""
        page = self._page(endpoint, "{pprof}/")
        number = gofigures.goroutines(page) if page is not None else None
        if number is not None:
            labels = {**endpoint.labels, "service": endpoint.service}
            yield gauge("go_goroutines", host.now_ns, number, labels)

    def _figures(self, endpoint: Endpoint) -> Figures | None:
        """From where the program was found to tell them before, else from the first that does. Raises Busy."""
        known = self._sources.pop(endpoint.url, None)
        for source in (known,) if known else _SOURCES:
            place, read = source
            if source is _HEAP:
                with alone(endpoint):
                    page = self._page(endpoint, place)
            else:
                page = self._page(endpoint, place)
            figures = read(page) if page is not None else None
            if figures is not None:
                self._sources[endpoint.url] = source
                return figures
        return None

    def _page(self, endpoint: Endpoint, place: str) -> bytes | None:
        parts = urlsplit(endpoint.url)
        address = f"{parts.scheme}://{parts.netloc}{place.format(pprof=parts.path)}"
        try:
            answer = self._http.request("GET", address, preload_content=False, redirect=False)
            try:
                data: bytes = answer.read(MOST_BYTES + 1, decode_content=True)
            finally:
                answer.close()
        except (urllib3.exceptions.HTTPError, OSError):
            return None
        return data if answer.status == 200 and len(data) <= MOST_BYTES else None


def _began(host: Host, endpoint: Endpoint) -> float | None:
    """Of a process of this host."""
    if endpoint.pid is None:
        return None
    uptime = float(procfs.read(f"{host.proc}/uptime").split()[0])
    return host.now_ns / 1e9 - uptime + endpoint.start_ticks / procfs.TICKS_PER_SECOND


def _samples(now_ns: int, before: _Reading | None, now: _Reading) -> Iterator[Sample]:
    figures, endpoint = now.figures, now.endpoint
    labels = {**endpoint.labels, "service": endpoint.service}
    yield gauge("go_heap_bytes", now_ns, figures.heap_bytes, labels)
    yield gauge("go_heap_goal_bytes", now_ns, figures.heap_goal_bytes, labels)
    if figures.gomaxprocs is not None:
        yield gauge("go_gomaxprocs", now_ns, figures.gomaxprocs, labels)
    if figures.goroutines is not None:
        yield gauge("go_goroutines", now_ns, figures.goroutines, labels)
    if before is None:
        return
    restarted = before.endpoint != endpoint or figures.gc_cycles < before.figures.gc_cycles
    first = (
        Figures(0, 0, 0, None if figures.gc_pause_seconds is None else 0.0) if restarted else before.figures
    )
    yield count("go_gc_cycles_total", now_ns, figures.gc_cycles - first.gc_cycles, labels)
    yield count("go_gc_pause_seconds_total", now_ns, gofigures.pause_seconds(first, figures), labels)
    share = None if restarted else _gc_share(before, now)
    if share is not None:
        yield gauge("go_gc_cpu_ratio", now_ns, share, labels)


def _gc_share(before: _Reading, now: _Reading) -> float | None:
    """Between the last collections that the two know of: the runtime tells the share since the process began."""
    first, last, began = before.figures, now.figures, now.began
    if first.gc_cycles == last.gc_cycles:
        return 0.0
    if first.gc_share is None or last.gc_share is None or began is None or last.last_gc <= first.last_gc:
        return None
    spent = last.gc_share * (last.last_gc - began) - first.gc_share * max(0.0, first.last_gc - began)
    return min(1.0, max(0.0, spent / (last.last_gc - max(began, first.last_gc))))
