"""One line a page."""

from __future__ import annotations

from django.urls import URLPattern, path

from diagnose.web import (
    capture,
    capture_group,
    captures,
    collectors,
    finding,
    findings,
    host,
    hosts,
    install,
    overview,
    profile,
    sign_in,
    storage,
)

urlpatterns: list[URLPattern] = [
    path("", overview.overview, name="overview"),
    path("sign-in", sign_in.sign_in, name="sign-in"),
    path("sign-in/<str:secret>", sign_in.sign_in_link, name="sign-in-link"),
    path("sign-out", sign_in.sign_out, name="sign-out"),
    path("hosts", hosts.hosts, name="hosts"),
    path("hosts/<int:host_id>", host.host, name="host"),
    path("hosts/<int:host_id>/charts", host.charts, name="host-charts"),
    path("findings", findings.findings, name="findings"),
    path("findings/<str:finding_id>", finding.finding, name="finding"),
    path("findings/<str:finding_id>/charts", finding.charts, name="finding-charts"),
    path("findings/<str:finding_id>/<str:action>", finding.act, name="finding-act"),
    path("profile", profile.profile, name="profile"),
    path("captures", captures.captures, name="captures"),
    path("captures/groups/<str:group_id>", capture_group.capture_group, name="capture-group"),
    path("captures/<str:capture_id>", capture.capture, name="capture"),
    path("captures/<str:capture_id>/compare", capture.compare, name="capture-compare"),
    path("collectors", collectors.collectors, name="collectors"),
    path("collectors/token", collectors.invite, name="collectors-invite"),
    path("collectors/<int:host_id>", collectors.collector, name="collector"),
    path("collectors/<int:host_id>/revoke", collectors.revoke, name="collector-revoke"),
    path("install.sh", install.install_script, name="install-script"),
    path("collector/simple/", install.projects, name="collector-projects"),
    path("collector/simple/<slug:name>/", install.project, name="collector-project"),
    path("collector/files/<str:name>", install.file, name="collector-file"),
    path("storage", storage.storage, name="storage"),
    path("storage/chart", storage.chart, name="storage-chart"),
]
