"""What a page reads of the store's series, looked up in one query and then shared by its parts."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence

from diagnose.store import series
from diagnose.store.series import SeriesRef


class Readings:
    """The series of some metrics on some hosts; a metric that is not there has none."""

    def __init__(self, refs: Iterable[SeriesRef]) -> None:
        self._by_metric: dict[str, list[SeriesRef]] = defaultdict(list)
        for ref in refs:
            self._by_metric[ref.metric].append(ref)

    @classmethod
    def of_host(cls, host_id: int, metrics: Iterable[str]) -> Readings:
        return cls(series.of_host(host_id, sorted(set(metrics))))

    @classmethod
    def of_hosts(cls, host_ids: Sequence[int], metrics: Iterable[str]) -> Readings:
        """`host_ids` empty means all hosts."""
        return cls(series.of_hosts(host_ids, sorted(set(metrics))))

    def of(self, *metrics: str) -> list[SeriesRef]:
        return [ref for metric in metrics for ref in self._by_metric.get(metric, ())]

    def where(self, **labels: str) -> Readings:
        """Those that carry all of the labels."""
        wanted = labels.items()
        return Readings(
            ref for refs in self._by_metric.values() for ref in refs if wanted <= ref.labels.items()
        )

    def by_host(self) -> dict[int, Readings]:
        refs: dict[int, list[SeriesRef]] = defaultdict(list)
        for of_metric in self._by_metric.values():
            for ref in of_metric:
                refs[ref.host_id].append(ref)
        return {host_id: Readings(found) for host_id, found in refs.items()}
