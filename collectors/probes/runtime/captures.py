"""Which kinds of captures this host can take, and why not the others: facts that the server offers captures by."""

from __future__ import annotations

from collections.abc import Iterator

from collectors.probe import Cost, Host, Metric
from collectors.readings import ChangedFacts
from collectors.wire import Sample

_SWITCHED_OFF = (
    "The owner of this host has switched captures off (stacks.on_demand in the collector's settings)."
)


class Captures:
    """A fact `capture.KIND` each: `yes`, or the reason why not."""

    NAME = "captures"
    COST: Cost = "cheap"
    INTERVAL_SECONDS = 60.0
    METRICS: tuple[Metric, ...] = ()

    def __init__(self, allowed: bool) -> None:
        self._allowed = allowed
        self._changed = ChangedFacts()

    def collect(self, host: Host) -> Iterator[Sample]:
        """What changed since it was told last."""
        yield from self._changed.news(host.now_ns, self._all())

    def _all(self) -> Iterator[tuple[str, str]]:
        from collectors.capture import kinds  # with all they need, later than the first batch

        for kind in kinds.ALL:
            missing = kind.missing() if self._allowed else _SWITCHED_OFF
            yield f"capture.{kind.name}", missing or "yes"
