"""Reads the profiles that Go programs serve, all the time. Each program has a lane, a thread that mostly waits."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Iterator

from collectors.capture.golang import endpoints
from collectors.capture.golang.lane import METRICS, Lane
from collectors.capture.sampler import Emit, Settings
from collectors.probe import Metric
from collectors.wire import ProbeStatus

_LOG = logging.getLogger("diagnose.stacks")

LOOK_SECONDS = 30.0
MOST_ENDPOINTS = 8
_STOP_SECONDS = 5.0
_REASONS_SHOWN = 3


class ContinuousGo:
    """`start` begins a thread that looks for programs and gives each a lane, until `stop`."""

    NAME = "stacks.go"
    METRICS: tuple[Metric, ...] = METRICS

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._lanes: dict[str, Lane] = {}
        self._stopped = threading.Event()
        self._thread: threading.Thread | None = None
        self._left_out = 0
        self._told_seconds = self._ended_seconds = 0.0

    def start(self, emit: Emit) -> None:
        self._thread = threading.Thread(target=self._work, args=(emit,), name="go", daemon=True)
        self._thread.start()

    def stop(self) -> None:
        self._stopped.set()
        for lane in list(self._lanes.values()):
            lane.stop()
        until = time.monotonic() + _STOP_SECONDS
        for thread in filter(None, [self._thread, *(lane.thread for lane in list(self._lanes.values()))]):
            thread.join(max(0.0, until - time.monotonic()))

    def status(self) -> Iterator[ProbeStatus]:
        """Nothing where no program is named or found. `seconds` is what reading has cost this collector."""
        lanes = list(self._lanes.values())
        total = self._ended_seconds + sum(lane.cpu_seconds for lane in lanes)
        spent, self._told_seconds = total - self._told_seconds, total
        if not lanes:
            return
        reasons = list(dict.fromkeys(lane.reason for lane in lanes if lane.reason))
        if self._left_out:
            reasons.append(f"{MOST_ENDPOINTS} programs are read at a time; {self._left_out} more are not.")
        ok = any(not lane.reason for lane in lanes)
        yield ProbeStatus(self.NAME, ok, " ".join(reasons[:_REASONS_SHOWN]), max(0.0, spent), 0)

    def _work(self, emit: Emit) -> None:
        while not self._stopped.is_set():
            try:
                self._look(emit)
            except Exception:  # noqa: BLE001 - the thread's boundary: a defect is logged, and it goes on
                _LOG.exception("looking for Go programs failed")
            self._stopped.wait(LOOK_SECONDS)

    def _look(self, emit: Emit) -> None:
        """Begin with programs that are new, leave those that are gone."""
        settings = self._settings
        found = endpoints.of(settings.proc).all(settings.denies, discover=settings.discover_go)
        chosen = {endpoint.url: endpoint for endpoint in found[:MOST_ENDPOINTS]}
        self._left_out = len(found) - len(chosen)
        for url in self._lanes.keys() - chosen.keys():
            lane = self._lanes.pop(url)
            lane.stop()
            self._ended_seconds += lane.cpu_seconds
        for url, endpoint in chosen.items():
            if url in self._lanes:
                self._lanes[url].endpoint = endpoint
            elif not self._stopped.is_set():
                self._lanes[url] = Lane(endpoint, emit, settings.proc)
