"""The services that have ever been profiled."""

from __future__ import annotations

from diagnose.access.problems import Problem
from diagnose.models import Service


def services() -> list[Service]:
    """All, by name."""
    return list(Service.objects.all())


def service(service_id: int) -> Service:
    """Raises Problem 404."""
    found = Service.objects.filter(pk=service_id).first()
    if found is None:
        raise Problem(
            404,
            "No such service",
            f"There is no service {service_id}: GET /api/v1/services lists those that were profiled.",
        )
    return found
