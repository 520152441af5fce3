"""A network path between two namespaces: packets go through this process, late, thinned out or one after the other."""

from __future__ import annotations

import contextlib
import heapq
import itertools
import os
import random
import select
import threading
import time
from typing import TYPE_CHECKING

from tests.faults.inside import inside, open_tun

if TYPE_CHECKING:
    from tests.faults.stage import Namespace

_PACKET = 65536
_QUEUE_BYTES = 4 << 20  # what waits at the narrow end at most, as in routers with too much memory


class Path:
    """`delay_seconds` each way; `loss` is the share of packets lost on the way there; `bytes_per_second` what the way
    there lets through (0: all). Both may be changed while it runs."""

    def __init__(
        self,
        here: int,
        there: int,
        delay_seconds: float = 0.0,
        loss: float = 0.0,
        bytes_per_second: float = 0.0,
        seed: float = 1,
    ) -> None:
        self.there: Namespace | None = None
        self.delay_seconds, self.loss, self.bytes_per_second = delay_seconds, loss, bytes_per_second
        self._random = random.Random(seed)
        self._ends = [inside(pid, lambda: open_tun("path0")) for pid in (here, there)]
        self._wake = os.pipe()
        self._free_at = 0.0
        self._order = itertools.count()
        self._thread = threading.Thread(target=self._carry, daemon=True)
        self._thread.start()

    def close(self) -> None:
        os.write(self._wake[1], b".")
        self._thread.join()
        for descriptor in (*self._ends, *self._wake):
            os.close(descriptor)

    def _carry(self) -> None:
        waiting: list[tuple[float, int, int, bytes]] = []
        while True:
            timeout = max(0.0, waiting[0][0] - time.monotonic()) if waiting else None
            ready, _, _ = select.select([*self._ends, self._wake[0]], [], [], timeout)
            if self._wake[0] in ready:
                return
            for source in ready:
                self._take(source, waiting)
            now = time.monotonic()
            while waiting and waiting[0][0] <= now:
                _, _, sink, packet = heapq.heappop(waiting)
                with contextlib.suppress(OSError):  # the device is down for a moment
                    os.write(sink, packet)

    def _take(self, source: int, waiting: list[tuple[float, int, int, bytes]]) -> None:
        try:
            packet = os.read(source, _PACKET)
        except OSError:
            return
        now, leaving = time.monotonic(), source == self._ends[0]
        sink = self._ends[1] if leaving else self._ends[0]
        if leaving and self.loss and self._random.random() < self.loss:
            return
        at = now
        if leaving and self.bytes_per_second:
            if (self._free_at - now) * self.bytes_per_second > _QUEUE_BYTES:
                return
            self._free_at = at = max(now, self._free_at) + len(packet) / self.bytes_per_second
        heapq.heappush(waiting, (at + self.delay_seconds, next(self._order), sink, packet))
