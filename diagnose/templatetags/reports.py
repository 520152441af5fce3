"""Parts of diagnosis reports as people see them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, cast

from django import template
from django.utils.safestring import SafeString

from diagnose.reports.charts.picture import svg
from diagnose.reports.diagnosis.document import Picture
from diagnose.reports.triage import WORDS
from diagnose.templatetags.quantities import percent

register = template.Library()
_WORTH_SAYING = 0.005


@register.filter
def drawn(picture: Picture) -> SafeString:
    """The picture as SVG; whatever names are in it were escaped."""
    return SafeString(svg(picture))


@register.filter
def spent(shares: Mapping[str, float]) -> str:
    """Where threads' time went, the most first: `idle 80 %, on CPU 15 %`."""
    most = sorted(shares.items(), key=lambda share: -share[1])
    words = cast("Mapping[Any, str]", WORDS)
    return ", ".join(f"{words[state]} {percent(share)}" for state, share in most if share >= _WORTH_SAYING)
