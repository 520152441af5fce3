"""The profiles of a batch that somebody asked for, and the news that they are in the store."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Sequence

from diagnose.ingest import pending
from diagnose.ingest.content import Profile


def tell(captured: Sequence[tuple[Profile, int]]) -> None:
    """Once for each capture: of the service that most of its samples are of, counted in its first type."""
    by_capture: dict[str, list[tuple[Profile, int]]] = defaultdict(list)
    for profile, samples in captured:
        by_capture[profile.capture_id or ""].append((profile, samples))
    for capture_id, found in by_capture.items():
        _tell(capture_id, found)


def _tell(capture_id: str, found: Sequence[tuple[Profile, int]]) -> None:
    weights: Counter[str] = Counter()
    for profile, samples in found:
        weights[profile.service] += samples
    service, _ = weights.most_common(1)[0]
    mine = [(profile, samples) for profile, samples in found if profile.service == service]
    first = mine[0][0]
    pending.tell_of_capture(
        capture_id,
        service,
        min(profile.start_ns for profile, _ in mine),
        max(profile.end_ns for profile, _ in mine),
        sum(samples for profile, samples in mine if profile.type == first.type),
        list(dict.fromkeys(profile.type for profile, _ in mine)),
        first.unit,
    )
