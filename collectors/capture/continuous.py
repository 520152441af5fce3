"""All samplers of a host as one."""

from __future__ import annotations

from collections.abc import Iterator

from collectors.capture.sampler import Emit, Sampler, Settings
from collectors.capture.samplers import ALL
from collectors.wire import ProbeStatus


class Continuous:
    """`start`, `stop` and `status` of every sampler."""

    def __init__(self, settings: Settings) -> None:
        self._samplers: list[Sampler] = [sampler(settings) for sampler in ALL]

    def start(self, emit: Emit) -> None:
        for sampler in self._samplers:
            sampler.start(emit)

    def stop(self) -> None:
        for sampler in self._samplers:
            sampler.stop()

    def status(self) -> Iterator[ProbeStatus]:
        for sampler in self._samplers:
            yield from sampler.status()
