"""Every collector in one row: whether it delivers, what it costs its host, what it cannot see."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from diagnose.installer import versions
from diagnose.reports import latest
from diagnose.reports.collector_state import OwnUse, own_uses
from diagnose.reports.host_list import State, state_of
from diagnose.reports.probe_remedies import remedy
from diagnose.store import hosts as store
from diagnose.store.hosts import SWITCHED_OFF, HostRow, ProbeRow

# The newest reading the server has tells how far behind it is: the agent's own CPU comes every ten seconds.
_OWN_READING = "collector_resident_memory_bytes"
_LAG_SECONDS = 3600.0
ProbeWord = Literal["works", "off", "lacks"]


@dataclass(frozen=True, slots=True)
class ProbeLine:
    """A probe's last word; `remedy` is how to get what it lacks, '' when nothing is known."""

    row: ProbeRow
    word: ProbeWord
    remedy: str


@dataclass(frozen=True, slots=True)
class CollectorRow:
    """`lag_seconds` is the age of the newest reading; `enrolled` is False when its credential was revoked."""

    host: HostRow
    state: State
    version: str
    is_old: bool
    lag_seconds: float | None
    own: OwnUse
    probes: int
    probes_off: int
    enrolled: bool

    @property
    def probes_at_work(self) -> int:
        return self.probes - self.probes_off - self.host.failing_probes


def collectors(hosts: Sequence[HostRow], now: datetime) -> list[CollectorRow]:
    """In the order of `hosts`; the number of queries does not depend on theirs."""
    at_ns, ids = int(now.timestamp() * 1e9), [host.id for host in hosts]
    used, lags = own_uses(ids, at_ns), _lags(ids, at_ns)
    counts, enrolled = store.probe_counts(), store.enrolled()
    rows = []
    for host in hosts:
        version = versions.of_agent(host.agent)
        every, off = counts.get(host.id, (0, 0))
        rows.append(
            CollectorRow(
                host=host,
                state=state_of(host.last_seen_at, now),
                version=version,
                is_old=versions.is_older(version),
                lag_seconds=lags.get(host.id),
                own=used[host.id],
                probes=every,
                probes_off=off,
                enrolled=host.id in enrolled,
            )
        )
    return rows


def probe_lines(host_id: int) -> list[ProbeLine]:
    """By name."""
    return [ProbeLine(row, _word(row), "" if row.ok else remedy(row.reason)) for row in store.probes(host_id)]


def _word(row: ProbeRow) -> ProbeWord:
    if row.ok:
        return "works"
    return "off" if row.reason.startswith(SWITCHED_OFF) else "lacks"


def _lags(host_ids: Sequence[int], at_ns: int) -> dict[int, float]:
    newest: dict[int, int] = defaultdict(int)
    for each in latest.of_metrics(host_ids, [_OWN_READING], at_ns, _LAG_SECONDS)[_OWN_READING]:
        newest[each.ref.host_id] = max(newest[each.ref.host_id], each.time_ns)
    return {host_id: max(0.0, (at_ns - time_ns) / 1e9) for host_id, time_ns in newest.items()}
