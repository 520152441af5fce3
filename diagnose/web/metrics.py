"""`/metrics`: for a Prometheus that sends a user token (`authorization: credentials: …`)."""

from __future__ import annotations

from collections.abc import Iterator

from django.http import HttpResponse
from django.utils import timezone
from django.views.decorators.gzip import gzip_page
from prometheus_client import CONTENT_TYPE_LATEST, CollectorRegistry, generate_latest
from prometheus_client.core import Metric
from prometheus_client.registry import Collector

from diagnose.access.endpoints import ApiRequest, endpoint
from diagnose.models.access import Role
from diagnose.reports import exposition


class _Once(Collector):
    """Reads when it is asked, so that two scrapes do not see one another's state."""

    def collect(self) -> Iterator[Metric]:
        return exposition.families(timezone.now())


@gzip_page
@endpoint("GET", role=Role.VIEWER)
def metrics(_request: ApiRequest) -> HttpResponse:
    registry = CollectorRegistry()
    registry.register(_Once())
    return HttpResponse(generate_latest(registry), content_type=CONTENT_TYPE_LATEST)
