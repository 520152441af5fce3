"""`/profiles/breakdown`: of which threads, hosts or label values the samples are."""

from __future__ import annotations

from django.views.decorators.gzip import gzip_page

from diagnose.access.endpoints import ApiRequest, endpoint
from diagnose.models.access import Role
from diagnose.store import breakdown as breakdowns
from diagnose.store.breakdown import By, Label, Part
from diagnose.web.api import profile_answers, query, scope, selection
from diagnose.web.api.describe import described
from diagnose.web.api.selection import SELECT

_LABEL = "label."


def _dimension(given: str) -> By:
    """Raises ValueError with the remedy."""
    if given in ("thread", "host"):
        return "thread" if given == "thread" else "host"
    if given.startswith(_LABEL) and len(given) > len(_LABEL):
        return Label(given.removeprefix(_LABEL))
    raise ValueError("use thread, host, or a label such as label.pid")


_BY: query.Parameter[By] = query.Parameter(
    "by", "`thread`, `host`, or a label such as `label.pid`. Default: thread.", _dimension, "thread"
)


@gzip_page
@endpoint("GET", role=Role.VIEWER)
@described(answer=profile_answers.Breakdown, query=(*SELECT, _BY), problems=(404, 409))
def breakdown(request: ApiRequest) -> profile_answers.Breakdown:
    """A service's samples in a range by thread, by host, or by the value of a label.

    Of a label with very many values the first 50 are looked at.
    """
    by, chosen = _BY.of(request), selection.of_request(request)
    found = breakdowns.build(chosen.selector, chosen.start_ns, chosen.end_ns, by)
    total = int(found.whole.counts.sum())
    names = _host_names(found.parts) if by == "host" else {}
    return profile_answers.Breakdown(
        service=chosen.service,
        type=chosen.selector.type,
        unit=found.whole.unit,
        period_ns=found.whole.period_ns,
        total=total,
        by=request.GET.get("by") or "thread",
        labels=found.labels,
        left_out=found.left_out,
        results=[
            profile_answers.Part(
                part.value,
                names.get(part.value, part.value),
                part.total,
                round(part.total / max(1, total), 6),
            )
            for part in found.parts
        ],
    )


def _host_names(parts: list[Part]) -> dict[str, str]:
    return {str(host): known.name for host, known in scope.names(int(part.value) for part in parts).items()}
