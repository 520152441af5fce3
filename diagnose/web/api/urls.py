"""One line an endpoint of `/api/v1`, the collectors' ones included."""

from __future__ import annotations

from django.urls import URLPattern, path

from diagnose.access.enroll import enroll
from diagnose.captures import api as capture_api
from diagnose.ingest.api import batches
from diagnose.web.api import (
    breakdown,
    capture_groups,
    captures,
    changes,
    collector_list,
    findings,
    functions,
    heatmap,
    histograms,
    hosts,
    profile_diff,
    profiles,
    reports,
    series,
    services,
    storage,
)
from diagnose.web.api.openapi import openapi

urlpatterns: list[URLPattern] = [
    path("openapi.json", openapi),
    path("hosts", hosts.hosts),
    path("hosts/<int:host_id>", hosts.host),
    path("hosts/<int:host_id>/facts", hosts.facts),
    path("hosts/<int:host_id>/facts/changes", hosts.changes),
    path("hosts/<int:host_id>/events", hosts.events),
    path("hosts/<int:host_id>/triage", hosts.triage),
    path("hosts/<int:host_id>/forecasts", hosts.forecasts),
    path("services", services.services),
    path("services/<int:service_id>", services.service),
    path("series", series.series),
    path("histograms", histograms.histograms),
    path("profiles", profiles.profiles),
    path("profiles/flamegraph", profiles.flamegraph),
    path("profiles/top", profiles.top),
    path("profiles/diff", profile_diff.diff),
    path("profiles/breakdown", breakdown.breakdown),
    path("profiles/sandwich", functions.sandwich),
    path("profiles/function", functions.function),
    path("profiles/heatmap", heatmap.heatmap),
    path("profiles/heatmap/flamegraph", heatmap.heatmap_flamegraph),
    path("captures", captures.captures),
    path("captures/kinds", captures.list_kinds),
    path("captures/groups", capture_groups.groups),
    path("captures/groups/<str:group_id>", capture_groups.group),
    path("captures/<str:capture_id>", captures.capture),
    path("captures/<str:capture_id>/events", capture_api.events),
    path("captures/<str:capture_id>/progress", capture_api.progress),
    path("captures/<str:capture_id>/files", capture_api.keep_file),
    path("captures/<str:capture_id>/files/<str:name>", captures.file),
    path("reports", reports.reports),
    path("reports/<str:report_id>", reports.one_report),
    path("findings", findings.findings),
    path("findings/<str:finding_id>", findings.finding),
    path("findings/<str:finding_id>/acknowledge", findings.acknowledge),
    path("findings/<str:finding_id>/mute", findings.mute),
    path("findings/<str:finding_id>/applied", findings.applied),
    path("findings/<str:finding_id>/feedback", findings.feedback),
    path("changes", changes.changes),
    path("changes/<str:change_id>", changes.change),
    path("collectors", collector_list.collectors),
    path("collectors/tokens", collector_list.invite),
    path("collectors/<int:host_id>", collector_list.collector),
    path("collectors/<int:host_id>/revoke", collector_list.revoke),
    path("storage", storage.storage),
    path("enroll", enroll),
    path("batches", batches),
    path("commands", capture_api.commands),
]
