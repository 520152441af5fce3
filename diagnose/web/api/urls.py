"""One line an endpoint of `/api/v1`, the collectors' ones included."""

from __future__ import annotations

from django.urls import URLPattern, path

from diagnose.ingest import api as ingest

urlpatterns: list[URLPattern] = [
    path("batches", ingest.batches),
]
