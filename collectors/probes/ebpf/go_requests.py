"""Go from inside, without a change to it: how long requests of its HTTP servers take, and how long its runtime lets
no goroutine run.

Programs of the kernel hang at the entries of `net/http.serverHandler.ServeHTTP` and of
`net/http.(*response).finishRequest`, in fasthttp where a request's head was read and where its answer is written, and
of the runtime's functions that stop and start the world. TLS hides nothing here. Not seen: HTTP/2, hijacked
connections, programs built before Go 1.18.
"""

from __future__ import annotations

import os
import struct
import time
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import replace
from functools import partial

from collectors.ebpf.attach import Place
from collectors.ebpf.cells import Cell, by_kind
from collectors.probe import Cost, Host, Metric, NoData
from collectors.probes.ebpf import breakpoints, tally
from collectors.probes.ebpf.packed import Packed
from collectors.probes.ebpf.services import service_of
from collectors.processes import gofunctions, watched
from collectors.processes.identity import Process
from collectors.readings import Labels
from collectors.wire import ProbeStatus, Sample

REQUEST, STOPPED = "go_http_request_seconds", "go_stop_the_world_seconds"
_REQUEST, _STOPPED, _HIT = 0, 1, 2  # kinds of cells
_GROUP = struct.Struct("<I")
# By the kernel's program, the functions that it hangs at.
FUNCTIONS = {
    "request_begins": (
        "net/http.serverHandler.ServeHTTP",
        "github.com/valyala/fasthttp.(*RequestHeader).parse",
    ),
    "request_ends": (
        "net/http.(*response).finishRequest",
        "github.com/valyala/fasthttp.(*Response).Write",
    ),
    "world_stops": ("runtime.stopTheWorldWithSema",),
    "world_starts": ("runtime.startTheWorldWithSema",),
}
_NAMES = [name for names in FUNCTIONS.values() for name in names]
MOST_PROGRAMS = 16
_REASONS_SHOWN = 3
MEASURE_SECONDS = 300.0

_File = tuple[int, int, int]


class GoRequests(Packed):
    """Cost: two breakpoints a request, so it rests most of the time where there are many.

    What one costs is measured on this machine, every five minutes: 1 µs on one, 20 µs on another that is virtual and
    busy. With net/http on such a one 29 to 100 µs more CPU were measured a request while it counts.
    """

    NAME = "go_requests"
    COST: Cost = "dear"
    # Short, so that a busy program is slowed for a moment only before it rests.
    INTERVAL_SECONDS = 2.0
    EVENT_SECONDS = 15e-6  # of one breakpoint, until it is measured
    MOST_SHARE, MOST_RESTS = 0.01, 150
    METRICS: tuple[Metric, ...] = (
        Metric(
            REQUEST, "s", "Time in the handler of an HTTP server of Go, its answer written.", ("service",)
        ),
        Metric(
            STOPPED,
            "s",
            "Time in which Go's runtime let no goroutine run, the stopping included.",
            ("service",),
        ),
        *tally.ACCOUNT,
    )

    def __init__(self) -> None:
        super().__init__()
        self._known: dict[_File, dict[str, int] | str] = {}
        self._hanging: frozenset[_File] = frozenset()
        self._source.events_of = _hits
        self._next_measuring = 0.0

    def collect(self, host: Host) -> Iterator[Sample]:
        """NoData where no program of Go listens that can be looked into; else a status says why others cannot."""
        found = self._programs(host)
        reasons = [f"{path}: {self._known[file]}" for file, path in found.items() if not self._offsets(file)]
        self._hang(found)
        if not self._hanging:
            raise NoData(
                "; ".join(reasons[:_REASONS_SHOWN]) or "no program of Go that listens runs on this host"
            )
        yield from super().collect(host)
        self._measure()
        words = "; ".join(reasons[:_REASONS_SHOWN]) or self._price()
        yield ProbeStatus(f"{self.NAME}.programs", not reasons, words, 0.0, 0)

    def _measure(self) -> None:
        """What a breakpoint costs here and now: the machine may be moved, and may be more or less busy."""
        program = self._source.program("request_begins")
        if program is None or time.monotonic() < self._next_measuring:
            return
        self._next_measuring = time.monotonic() + MEASURE_SECONDS
        with suppress(OSError):  # what was known before goes on to count
            cost = breakpoints.cost_seconds(program)
            self._source.duty = replace(self._source.duty, event_seconds=cost)

    def _price(self) -> str:
        cost = self._source.duty.event_seconds * 1e6
        return (
            f"a breakpoint costs the programs {cost:.1f} µs here, and a request meets two, "
            "so it counts for 2 s and rests for up to 5 minutes"
        )

    def told(self, host: Host, cells: list[Cell]) -> Iterator[Sample]:
        labels = partial(_labels, host)
        requests = tally.tallies(by_kind(cells, _REQUEST), labels)
        yield from tally.histograms(REQUEST, "loglin20", host.now_ns, requests)
        stops = tally.tallies(by_kind(cells, _STOPPED), labels)
        yield from tally.histograms(STOPPED, "loglin4", host.now_ns, stops)

    def _programs(self, host: Host) -> dict[_File, str]:
        """A path to each file that watched processes of Go run; a file that is new is read, one in a pass."""
        found: dict[_File, str] = {}
        read = False
        for process in watched.of(host.proc).processes or ():
            file = _file(host, process)
            if file is None or len(found) >= MOST_PROGRAMS:
                continue
            if file not in self._known:
                if read:
                    continue
                read, self._known[file] = True, _functions(f"{host.proc}/{process.pid}/exe")
            found[file] = f"{host.proc}/{process.pid}/exe"
        return found

    def _hang(self, found: dict[_File, str]) -> None:
        """Everywhere anew when the programs are others than before: the kernel has no way to add a place."""
        wanted = frozenset(filter(self._offsets, found))
        if wanted == self._hanging:
            return
        self._source.rest()
        self._hanging = wanted
        self._source.places = {
            program: [
                Place(found[file], offset)
                for file in wanted
                for name, offset in self._offsets(file).items()
                if name in names
            ]
            for program, names in FUNCTIONS.items()
        }
        for file in self._known.keys() - found.keys():
            del self._known[file]

    def _offsets(self, file: _File) -> dict[str, int]:
        offsets = self._known[file]
        return offsets if isinstance(offsets, dict) else {}


def _file(host: Host, process: Process) -> _File | None:
    """Which file a process of Go runs; None for other processes and those that are gone."""
    if process.runtime != "go":
        return None
    try:
        found = os.stat(f"{host.proc}/{process.pid}/exe")  # noqa: PTH116 - runs for every process
    except OSError:
        return None
    return found.st_dev, found.st_ino, found.st_mtime_ns


def _functions(path: str) -> dict[str, int] | str:
    """Offsets by name, or why there are none."""
    try:
        return gofunctions.offsets(path, _NAMES) or "it has none of the functions that are known here"
    except gofunctions.Unknown as error:
        return str(error)
    except OSError as error:
        return error.strerror or str(error)


def _hits(cells: list[Cell]) -> int:
    """Breakpoints that others ran into; our own are those by which their cost is measured."""
    own = _GROUP.pack(os.getpid())
    return sum(cell.count for cell in by_kind(cells, _HIT) if cell.group != own)


def _labels(host: Host, group: bytes) -> Labels:
    (pid,) = _GROUP.unpack(group)
    return (("service", service_of(host.proc, pid)),)
