"""What the owner of the host keeps from captures, by the patterns of `stacks.deny`."""

from __future__ import annotations

from collections.abc import Iterator

from collectors.config import Config
from collectors.processes import identity, processtable, targets
from collectors.wire import CaptureTarget


def refusal(config: Config, target: CaptureTarget) -> str | None:
    """Why this capture is not made, in words for the page; None when it may be."""
    if not config.on_demand:
        return (
            "the owner of this host has switched captures off (stacks.on_demand in the collector's settings)"
        )
    if not config.denied:
        return None
    for names in _names(config, target):
        pattern = config.denies(*names)
        if pattern is not None:
            return f"the owner of this host allows no captures of {pattern!r} (stacks.deny in the collector's settings)"
    return None


def _names(config: Config, target: CaptureTarget) -> Iterator[tuple[str, ...]]:
    """Of every process that the target means, and of the target itself."""
    yield tuple(name for name in (target.service, target.cgroup, target.container) if name)
    for stat in processtable.processes(config.proc):
        process = identity.describe(stat, config.proc)
        if targets.means(target, process, config.proc):
            yield process.service, process.name
