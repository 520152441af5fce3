"""Every address of the product: pages first, then the JSON API."""

from __future__ import annotations

from django.urls import include, path

from diagnose.web.metrics import metrics

urlpatterns = [
    path("metrics", metrics),
    path("", include("diagnose.web.urls")),
    path("api/v1/", include("diagnose.web.api.urls")),
]
