"""The places of the Host page's charts: in groups, with what rests on them, and why one is empty."""

from __future__ import annotations

from dataclasses import dataclass

from django.urls import reverse
from django.utils.http import urlencode
from django.utils.translation import gettext

from diagnose.models import Finding
from diagnose.reports import host_charts
from diagnose.reports.collectors import ProbeLine, probe_lines
from diagnose.reports.readings import Readings
from diagnose.web.timerange import TimeRange

_MOST_CHOICES = 100
_RTT = host_charts.LATENCIES["rtt"].metrics
METRICS = _RTT
# The probe whose readings a chart shows: what it lacks is why the chart is empty.
_PROBES = {
    "rtt": "tcp_rtt",
    "rtt-ports": "tcp_rtt",
    "accept-wait": "accept_wait",
    "connect": "tcp_lifecycle",
    "runqueue": "runqueue_wait",
    "disk-time": "block_io",
    "cgroups": "cgroups",
    "disks": "disks",
    "softnet": "softnet",
    "gil": "python",
}


@dataclass(frozen=True, slots=True)
class ChartPanel:
    """A chart's place on the page. `ranks` are of the findings that rest on it; `missing` is why it is empty."""

    id: str
    title: str
    note: str
    ranks: tuple[int, ...]
    missing: ProbeLine | None


def panels(host_id: int, findings: list[Finding], span: TimeRange, rtt: str) -> list[dict[str, object]]:
    """The groups of charts, each with its panels."""
    figures = reverse("host-charts", args=[host_id])
    probes = {line.row.probe: line for line in probe_lines(host_id)}
    about: dict[str, set[int]] = {}
    for finding in findings:
        for line in finding.detail["evidence"]:
            if finding.rank and line["metric"]:
                about.setdefault(line["metric"], set()).add(finding.rank)
    return [
        {
            "id": group,
            "title": gettext(title),
            "address": f"{figures}?{urlencode({'group': group, 'rtt': rtt})}&{span.query}",
            "panels": [
                ChartPanel(
                    name,
                    gettext(host_charts.TITLES[name][0]),
                    gettext(host_charts.TITLES[name][1]),
                    tuple(
                        sorted(
                            {
                                rank
                                for metric in host_charts.metrics_of(name)
                                for rank in about.get(metric, ())
                            }
                        )
                    ),
                    lacking(probes.get(_PROBES.get(name, ""))),
                )
                for name in names
            ],
        }
        for group, (title, names) in host_charts.GROUPS.items()
    ]


def lacking(line: ProbeLine | None) -> ProbeLine | None:
    return None if line is None or line.word == "works" else line


def rtt_choices(known: Readings) -> list[tuple[str, str]]:
    """What round-trip times can be narrowed to: local ports, then destinations."""
    ports = sorted(
        {ref.labels.get("port", "") for ref in known.of(_RTT[0])} - {""}, key=lambda port: (len(port), port)
    )
    destinations = sorted({ref.labels.get("dst", "") for ref in known.of(_RTT[1])} - {""})
    found = [(f"port:{port}", gettext("port %(port)s") % {"port": port}) for port in ports]
    return (found + [(f"dst:{dst}", gettext("to %(dst)s") % {"dst": dst}) for dst in destinations])[
        :_MOST_CHOICES
    ]


def rtt_labels(choice: str) -> dict[str, str]:
    """Of `port:8080` or `dst:10.0.0.7:5432`; anything else narrows nothing."""
    label, _colon, value = choice.partition(":")
    return {label: value} if label in {"port", "dst"} and value else {}
