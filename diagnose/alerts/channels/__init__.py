"""The kinds of channels; a new one is a module here and a line below."""

from __future__ import annotations

from typing import cast

from diagnose.alerts.channel import Kind
from diagnose.alerts.channels import alertmanager, dingtalk, email, pagerduty, slack, webhook, wecom

ALL: tuple[Kind, ...] = tuple(
    cast("Kind", module) for module in (webhook, email, slack, pagerduty, alertmanager, wecom, dingtalk)
)


def of(name: str) -> Kind | None:
    return next((kind for kind in ALL if name == kind.NAME), None)
