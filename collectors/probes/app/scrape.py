"""Series that applications publish as Prometheus pages, from the addresses that the host's owner configured."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import urllib3

from collectors import exposition
from collectors.probe import Cost, Host, Metric, NoData
from collectors.readings import Counters, Labels, Series, gauge
from collectors.wire import ProbeStatus, Sample

SECONDS = 2.0
MOST_BYTES = 4 * 1024 * 1024
MOST_SERIES = 500
# Labels that the collector itself sets: a page's own is told as `exported_…`, as Prometheus does.
_OURS = {"host", "service"}

Target = tuple[str, str]  # service, address


class Scrape:
    """A page that is slow, large or away costs its own series only."""

    NAME = "scrape"
    COST: Cost = "moderate"
    INTERVAL_SECONDS = 10.0
    METRICS: tuple[Metric, ...] = ()

    def __init__(self, targets: Sequence[Target]) -> None:
        self._targets = targets
        self._counters = {target: Counters() for target in targets}
        timeout = urllib3.Timeout(total=SECONDS)
        self._http = urllib3.PoolManager(num_pools=len(targets) or 1, retries=False, timeout=timeout)

    def collect(self, host: Host) -> Iterator[Sample]:
        """NoData when no page could be read; else each page has a status of its own."""
        failed: dict[str, str] = {}
        for target in self._targets:
            service, address = target
            reason = ""
            try:
                page, cut = self._page(address)
                yield from self._samples(host, target, page)
                reason = (
                    "" if not cut else f"{address} is longer than {MOST_BYTES >> 20} MiB: the rest is left"
                )
            except NoData as error:
                reason = failed[service] = str(error)
            yield ProbeStatus(f"scrape.{service}", not reason, reason, 0.0, 0)
        if failed and len(failed) == len(self._targets):
            raise NoData("; ".join(failed.values()))

    def _page(self, address: str) -> tuple[str, bool]:
        """The text, and whether it was cut."""
        try:
            answer = self._http.request(
                "GET",
                address,
                headers={"Accept": "text/plain;version=0.0.4"},
                preload_content=False,
                redirect=False,
            )
            try:
                data = answer.read(MOST_BYTES + 1, decode_content=True)
            finally:
                answer.close()
        except (urllib3.exceptions.HTTPError, OSError) as error:
            raise NoData(f"{address} did not answer within {SECONDS:.0f} s: {error}") from None
        if answer.status != 200:
            raise NoData(f"{address} answered {answer.status}: name the page itself in scrape.targets")
        return data[:MOST_BYTES].decode("utf-8", "replace"), len(data) > MOST_BYTES

    def _samples(self, host: Host, target: Target, page: str) -> Iterator[Sample]:
        counted: dict[Series, float] = {}
        seen: set[Series] = set()
        for reading in exposition.readings(page):
            series = (reading.name, _labels(target[0], reading.labels))
            if series in seen:
                continue
            if len(seen) == MOST_SERIES:
                break
            seen.add(series)
            if reading.counter:
                counted[series] = reading.value
            else:
                yield gauge(reading.name, host.now_ns, reading.value, dict(series[1]))
        yield from self._counters[target].points(host.now_ns, counted)


def _labels(service: str, labels: Labels) -> Labels:
    own = ((f"exported_{name}" if name in _OURS else name, value) for name, value in labels)
    return tuple({**dict(own), "service": service}.items())
