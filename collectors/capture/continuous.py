"""All samplers of a host as one."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from collectors.capture.sampler import Emit, Sampler, Settings
from collectors.capture.samplers import ALL
from collectors.capture.samplers.native import ContinuousNative
from collectors.wire import ProbeStatus

# Of the CPU that all may take together. The others, of which py-spy alone takes much, share the rest.
NATIVE_SHARE = 1 / 6


class Continuous:
    """`start`, `stop` and `status` of every sampler."""

    def __init__(self, settings: Settings) -> None:
        self._samplers: list[Sampler] = [sampler(_part(settings, sampler)) for sampler in ALL]

    def start(self, emit: Emit) -> None:
        for sampler in self._samplers:
            sampler.start(emit)

    def stop(self) -> None:
        for sampler in self._samplers:
            sampler.stop()

    def status(self) -> Iterator[ProbeStatus]:
        for sampler in self._samplers:
            yield from sampler.status()


def _part(settings: Settings, sampler: type[Sampler]) -> Settings:
    share = NATIVE_SHARE if sampler is ContinuousNative else 1 - NATIVE_SHARE
    return replace(settings, cpu_share=settings.cpu_share * share)
