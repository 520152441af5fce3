"""What the store holds of the numbered batches: python -m … IDENTITY prints it as JSON; `complaints` judges it."""

from __future__ import annotations

import json
import os
import sys
import time
from collections import Counter
from collections.abc import Iterator
from dataclasses import asdict, dataclass

from tests.integration.faults.feeder import DISTRIBUTION, EVENT, METRIC, SERVICE

# A run that was stopped may be taken up again a day later.
_SPAN_NS = 2 * 86_400 * 10**9


@dataclass(frozen=True, slots=True)
class Tally:
    """`committed` was read first. Every list has a number as often as the store has it; `gaps` are declared lost."""

    committed: int
    gaps: list[int]
    quarantined: int
    points: list[int]
    histograms: list[int]
    profiles: list[int]
    events: list[int]


def complaints(tally: Tally, may_lose: bool = False) -> list[str]:
    """In words, all that is not so: up to `committed` every number once in each kind, above it at most once."""
    found = [] if may_lose or not tally.gaps else [f"given up: {_few(tally.gaps)}"]
    found += [f"{tally.quarantined} batches in quarantine"] * (tally.quarantined > 0)
    for kind in ("points", "histograms", "profiles", "events"):
        times = Counter(getattr(tally, kind))
        missing = sorted({*range(1, tally.committed + 1)} - {*times, *tally.gaps})
        doubled = sorted(number for number, count in times.items() if count > 1)
        found += [f"{kind} without {_few(missing)}"] * bool(missing)
        found += [f"{kind} more than once: {_few(doubled)}"] * bool(doubled)
    return found


def _few(numbers: list[int]) -> str:
    rest = f" and {len(numbers) - 10} more" if len(numbers) > 10 else ""
    return ", ".join(map(str, numbers[:10])) + rest


def stored(identity: str) -> Tally:
    """Through the functions that pages and rules use."""
    import django

    django.setup()
    from diagnose.models import Host, HostEvent, IngestEpoch
    from diagnose.store import backend, series

    host = Host.objects.get(identity=identity)
    committed = sum(IngestEpoch.objects.filter(host=host).values_list("committed_seq", flat=True))
    now = time.time_ns()
    span = now - _SPAN_NS, now + _SPAN_NS
    points = series.read(series.find([host.pk], METRIC), *span)
    distributions = {host.pk: [ref.id for ref in series.find([host.pk], DISTRIBUTION)]}
    intervals = backend.metric_store().histograms(distributions, *span, hourly=False)
    events = HostEvent.objects.filter(host=host, kind=EVENT).values_list("fields__number", flat=True)
    return Tally(
        committed,
        [n for gap in host.gaps.order_by("first_seq") for n in range(gap.first_seq, gap.last_seq + 1)],
        host.quarantined.count(),
        [int(value) for _, values in points.values() for value in values],
        [int(total) for of_scheme in intervals.values() for total in of_scheme.sums],
        list(_profiled(host.pk, *span)),
        list(map(int, events)),
    )


def _profiled(host_id: int, start_ns: int, end_ns: int) -> Iterator[int]:
    """The stack of number 7 was seen 7 times; 14 times means twice, and anything else makes no sense."""
    from diagnose.store import flamegraph, profiles

    merged = profiles.merge(profiles.Selector(SERVICE, "cpu", (host_id,)), start_ns, end_ns)
    for row in flamegraph.stacks(SERVICE, merged, limit=1 << 30):
        number = int(row.frames[-1].name)
        times, rest = divmod(row.count, number)
        assert not rest, f"the stack of number {number} was seen {row.count} times"
        yield from [number] * times


if __name__ == "__main__":
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "diagnose.settings")
    print(json.dumps(asdict(stored(sys.argv[1]))))
