"""What a finding is judged by: the readings that decide it, and what its users notice."""

from __future__ import annotations

from typing import Any

from diagnose.correlate.comparison.side import Measure
from diagnose.correlate.comparison.tiles import Own
from diagnose.models.finding import Finding

# A restarted process has another pid, a restarted container another namespace.
_PASSING = ("pid", "netns", "cgroup")
# What these recommend changes connections and packets, which stand for load elsewhere.
_ABOUT_CONNECTIONS = (
    "network.connection_churn",
    "network.ephemeral_port_exhaustion",
    "network.time_wait_overflow",
    "network.connection_resets",
    "network.tls_full_handshakes",
)
# Of the finding's own signals, less than that is no effect.
_LEAST = 0.3


def own_signals(finding: Finding) -> list[Own]:
    """Of lines that decide it: events that are counted, and shares of time. Other readings move with the very limit
    that is changed (files open of a raised limit); there the finding itself, seen or not, is the signal."""
    found = {}
    for line in finding.detail.get("evidence", ()):
        if line["role"] == "decides" and line["kind"] == "supports" and _is_one(line["metric"] or ""):
            found[line["metric"]] = _own(line)
    return list(found.values())


def _is_one(metric: str) -> bool:
    return metric.endswith(("_total", "_ratio")) or metric.startswith("netstat_")


def _own(line: dict[str, Any]) -> Own:
    labels = {name: value for name, value in line["labels"].items() if name not in _PASSING}
    unit = "ratio" if line["metric"].endswith("_ratio") else "1/s"
    higher = line["value"] is None or line["threshold"] is None or line["value"] >= line["threshold"]
    measure = Measure(
        f"own.{line['metric']}", line["metric"], unit, own=True, higher_is_worse=higher, least=_LEAST
    )
    return Own(measure, line["metric"], labels)


def only_requests_are_load(rule: str) -> bool:
    return rule in _ABOUT_CONNECTIONS
