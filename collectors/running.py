"""`diagnose-collector run`: puts the parts of the agent together, and ends them when the system asks to."""

from __future__ import annotations

import dataclasses
import gc
import logging
import resource
import signal
from collections.abc import Callable, Iterator
from urllib.parse import urlsplit

from collectors import __version__, consent, state
from collectors.agent import Agent, Sampler
from collectors.capture.choose import Denies
from collectors.capture.ondemand import OnDemand
from collectors.config import Config, ConfigError
from collectors.delivery.client import Client
from collectors.delivery.commands import Commands
from collectors.delivery.ship import Shipper
from collectors.delivery.spool import Spool
from collectors.probe import Probe
from collectors.probes import ALL
from collectors.probes.runtime.captures import Captures
from collectors.state import StateError
from collectors.wire import Sample

_LOG = logging.getLogger("diagnose.agent")
_LOCAL = {"localhost", "127.0.0.1", "::1"}
# The process table holds a descriptor for each of many processes, and the usual soft limit is 1024.
DESCRIPTORS = 4096
# Probes make and drop thousands of tuples a second and hardly ever a cycle: looking for those at Python's rate of
# once in 700 was a tenth of what a pass over 10,000 sockets took.
_GC_THRESHOLDS = (20_000, 20, 50)
AGENT = f"diagnose-collector/{__version__}"


def run(config: Config) -> int:
    """Until SIGTERM or SIGINT. Raises StateError or ConfigError when it cannot begin."""
    state.prepare(config.state_dir)
    config = dataclasses.replace(config, server=config.server or _enrolled_server(config))
    state.read_token(config.token_file)
    held = state.lock(config.state_dir)
    try:
        agent = _assemble(config)
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, lambda *_: agent.stop())
        settle()
        _LOG.info("collecting for %s with state in %s", config.server, config.state_dir)
        agent.run()
    finally:
        held.close()
    _LOG.info("stopped; what was not sent is in the spool")
    return 0


def settle() -> None:
    """Room for descriptors, and a collector of garbage that leaves alone what will never be any."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = DESCRIPTORS if hard == resource.RLIM_INFINITY else min(DESCRIPTORS, hard)
    if soft != resource.RLIM_INFINITY and soft < wanted:
        resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))
    gc.set_threshold(*_GC_THRESHOLDS)
    gc.freeze()


def _assemble(config: Config) -> Agent:
    _warn_of_plain_http(config.server)
    identity = state.identity(config.state_dir)

    def token() -> str:
        return state.read_token(config.token_file)

    spool = _spool(config)
    client = Client(config.server, token, AGENT, config.ca_file, config.proxy)

    def commands(emit: Callable[[Sample], None]) -> Commands:
        return Commands(
            client,
            config.state_dir / "commands",
            lambda target: consent.refusal(config, target),
            OnDemand(_denies(config)).run,
            emit,
        )

    probes = [*chosen_probes(config), Captures(config.on_demand)]
    shipper = Shipper(spool, client, identity, AGENT)
    return Agent(config, identity, probes, spool, shipper, chosen_sampler(config), commands)


# What only some hosts use is imported where they do: it is half of all there is to import.


def chosen_probes(config: Config) -> Iterator[Probe]:
    """Those that are not switched off, and those that were given targets."""
    yield from (probe() for probe in ALL if probe.NAME not in config.disabled_probes)
    if config.scrape_targets:
        from collectors.probes.app.scrape import Scrape

        yield Scrape(config.scrape_targets)
    if config.queue_targets:
        from collectors.probes.app.queues import Queues

        yield Queues(config.queue_targets)
    if config.go_targets or config.go_discover:
        from collectors.capture.golang import endpoints
        from collectors.probes.runtime.golang import GoRuntime

        endpoints.of(config.proc).named = config.go_targets
        yield GoRuntime(_denies(config), config.go_discover)


def chosen_sampler(config: Config) -> Sampler | None:
    """Continuous stack sampling, unless it is switched off."""
    if not config.continuous:
        return None
    from collectors.capture.continuous import Continuous
    from collectors.capture.sampler import Settings

    return Continuous(
        Settings(
            cpu_share=config.stacks_cpu_percent / 100,
            memory_bytes=config.stacks_memory_bytes,
            denies=_denies(config),
            proc=config.proc,
            sys=config.sys,
            discover_go=config.go_discover,
        )
    )


def _denies(config: Config) -> Denies:
    return lambda process: config.denies(process.service, process.name) is not None


def _spool(config: Config) -> Spool:
    try:
        return Spool(config.state_dir / "spool", config.spool_bytes)
    except OSError as error:
        raise StateError(
            f"spool {config.state_dir / 'spool'}: {error.strerror}; give another --state-dir"
        ) from None


def _enrolled_server(config: Config) -> str:
    try:
        return (config.state_dir / "server").read_text().strip()
    except OSError:
        raise ConfigError(
            "the server's address is missing: give --server, or enrol first with `diagnose-collector enroll`"
        ) from None


def _warn_of_plain_http(server: str) -> None:
    parts = urlsplit(server)
    if parts.scheme == "http" and parts.hostname not in _LOCAL:
        _LOG.warning("%s is not encrypted: the token and the data can be read on the way; use https", server)
