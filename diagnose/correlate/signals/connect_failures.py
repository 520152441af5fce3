"""Outgoing connections that could not be established lately, and where incoming ones arrive."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from diagnose.correlate.samples import Samples

READS = (
    "tcp_connect_failures_total",
    "tcp_incoming_connections_total",
    "ebpf_observed_seconds_total",
    "listener_accept_queue_length",
)

RECENT_SECONDS = 30.0


@dataclass(frozen=True, slots=True)
class ConnectFailures:
    """`failures` by (network namespace, destination, error), `incoming` by (network namespace, listener).

    `listened`: whose each listener of this host was at some time of the window, gone ones included.
    """

    failures: Mapping[tuple[str, str, str], float]
    incoming: Mapping[tuple[str, str], float]
    listened: Mapping[tuple[str, str], str]

    @classmethod
    def derive(cls, samples: Samples) -> ConnectFailures | None:
        watched = any(
            each.labels.get("probe") == "tcp_lifecycle" for each in samples.of("ebpf_observed_seconds_total")
        )
        if not watched and not samples.of("tcp_connect_failures_total"):
            return None
        begin_ns = samples.end_ns - int(RECENT_SECONDS * 1e9)
        failures: dict[tuple[str, str, str], float] = {}
        for each in samples.of("tcp_connect_failures_total"):
            labels = each.labels
            if total := each.since(begin_ns).total:
                failures[labels.get("netns", ""), labels.get("dst", ""), labels.get("error", "")] = total
        incoming: dict[tuple[str, str], float] = {}
        for each in samples.of("tcp_incoming_connections_total"):
            if total := each.since(begin_ns).total:
                incoming[each.labels.get("netns", ""), each.labels.get("listener", "")] = total
        listened = {
            (each.labels.get("netns", ""), each.labels.get("listener", "")): each.labels.get("service", "")
            for each in samples.of("listener_accept_queue_length")
        }
        return cls(failures, incoming, listened)

    def refused(self, netns: str) -> tuple[str, float]:
        """The destination that refuses most of that namespace's connections, and its share of all refusals."""
        found = {
            dst: count
            for (inside, dst, error), count in self.failures.items()
            if inside == netns and error == "ECONNREFUSED"
        }
        name, most = max(found.items(), key=lambda item: item[1], default=("", 0.0))
        return name, most / sum(found.values()) if found else 0.0

    def busiest_listener(self, netns: str) -> tuple[str, float]:
        """Where most connections came in, and which share of all."""
        found = {listener: count for (inside, listener), count in self.incoming.items() if inside == netns}
        name, most = max(found.items(), key=lambda item: item[1], default=("", 0.0))
        return name, most / sum(found.values()) if found else 0.0
