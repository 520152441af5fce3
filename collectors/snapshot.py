"""`diagnose-collector snapshot`: half a minute of collection into one file, for a server that reads it later."""

from __future__ import annotations

import dataclasses
import os
import platform
import signal
import tempfile
import threading
import time
from collections.abc import Iterator
from pathlib import Path

from collectors import bundle as bundles
from collectors.agent import Agent
from collectors.config import Config, ConfigError
from collectors.delivery.ship import Progress
from collectors.delivery.spool import Spool
from collectors.running import AGENT, chosen_probes, chosen_sampler, settle
from collectors.state import StateError
from collectors.wire import VERSION, Batch, encode_batch

# Counters have been read twice by then; longer than an hour is what `run` is for.
LEAST_SECONDS, MOST_SECONDS = 5.0, 3600.0
_SPOOL_BYTES = 256 * 1024 * 1024


class Nobody:
    """Where a server would be: takes nothing and asks for nothing, until it is stopped."""

    def __init__(self) -> None:
        self.progress, self.error = Progress(), ""
        self._stopped = threading.Event()

    def wake(self) -> None:
        """Nobody sleeps here."""

    def run(self) -> None:
        self._stopped.wait()

    def stop(self) -> None:
        self._stopped.set()


def snapshot(config: Config, seconds: float, output: Path | None) -> Path:
    """The file it wrote. Raises ConfigError or StateError when it cannot."""
    if not LEAST_SECONDS <= seconds <= MOST_SECONDS:
        raise ConfigError(f"--seconds {seconds:g}: give from {LEAST_SECONDS:g} to {MOST_SECONDS:g} seconds")
    name = config.name or platform.node()
    target = output or Path(f"{name}-{time.strftime('%Y%m%dT%H%M%S')}.diagnose")
    with tempfile.TemporaryDirectory(prefix="diagnose-snapshot-") as directory:
        private = dataclasses.replace(config, state_dir=Path(directory))
        spool = Spool(private.state_dir / "spool", _SPOOL_BYTES)
        _collect(private, spool, seconds)
        bundle = bundles.Bundle(VERSION, name, time.time_ns(), AGENT, list(_batches(spool, name)))
    _write(target, bundles.encode(bundle))
    return target


def _collect(config: Config, spool: Spool, seconds: float) -> None:
    """Until the time is over, or somebody asks to stop: what there is by then is kept."""
    nobody = Nobody()
    agent = Agent(
        config, "snapshot", chosen_probes(config), spool, nobody, chosen_sampler(config), lambda _: nobody
    )
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: agent.stop())
    settle()
    timer = threading.Timer(seconds, agent.stop)
    timer.start()
    agent.run()
    timer.cancel()


def _batches(spool: Spool, name: str) -> Iterator[bytes]:
    sent_ns, seq = time.time_ns(), 0
    while (entry := spool.next_after(seq)) is not None:
        seq = entry.seq
        yield encode_batch(
            Batch(VERSION, name, entry.epoch, seq, entry.oldest_seq, sent_ns, entry.payload, AGENT)
        )


def _write(path: Path, data: bytes) -> None:
    """For its owner only: command lines and addresses of the host are in it."""
    try:
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        with os.fdopen(descriptor, "wb") as stream:
            stream.write(data)
    except OSError as error:
        raise StateError(f"{path}: {error.strerror}; name another file with --output") from None
