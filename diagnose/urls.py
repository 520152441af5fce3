"""Every address of the product: pages first, then the JSON API."""

from __future__ import annotations

from django.urls import include, path

from diagnose.ingest import pyroscope, pyroscope_push
from diagnose.web.metrics import metrics

urlpatterns = [
    path("metrics", metrics),
    path("ingest", pyroscope.ingest),
    path("pyroscope/ingest", pyroscope.ingest),
    path("push.v1.PusherService/Push", pyroscope_push.push),
    path("", include("diagnose.web.urls")),
    path("api/v1/", include("diagnose.web.api.urls")),
]
