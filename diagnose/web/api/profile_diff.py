"""`/profiles/diff`: one selection of a service against another of the same."""

from __future__ import annotations

from dataclasses import replace
from typing import get_args

from django.http import HttpResponse
from django.views.decorators.gzip import gzip_page

from diagnose.access.endpoints import ApiRequest, endpoint
from diagnose.captures import query as captures
from diagnose.ingest import uploads
from diagnose.models.access import Role
from diagnose.store import diff as diffs
from diagnose.store import flamegraph as graphs
from diagnose.store.profiles import Selector
from diagnose.web.api import cells, profile_answers, query, scope, selection
from diagnose.web.api.cells import CELLS
from diagnose.web.api.describe import as_json, described
from diagnose.web.api.layering import with_layers
from diagnose.web.api.selection import CUT, FILE_OF, GROUP, SELECT, THREADS, Selection

_MOST_STACKS = 100_000
_MODE = query.choice(
    "mode",
    "How changes are told: in counts, as growth per observed second, or in shares of each side's whole.",
    get_args(diffs.Mode),
    "absolute",
)
_HOST = query.text(
    "base.host", "The base's host, by id or name; may be repeated. Default: those of the other side."
)
_LABELS = query.text("base.label.*", "Labels that the base carries. Default: those of the other side.")
_THREAD = query.text("base.thread", "The base's thread. Default: that of the other side.")
_FROM = query.moment(
    "base.from", "Start of the base's range. Default: as long before its end as the other is long."
)
_TO = query.moment("base.to", "End of the base's range. Default: where the other begins.")
_CAPTURE = query.text("base.capture", "The base is the on-demand capture of this id.")
_CELLS = cells.parameter(
    "base.cells", "The base is this region of the heat map, within the range of the other side; see `cells`."
)
_UPLOAD = query.text("base.upload", "The base is the uploaded file of this id.")
_VALUE = query.text("base.value", "What of that file is counted. Default: what is first among its `values`.")
_BASE = (_UPLOAD, _VALUE, _CELLS, _HOST, _LABELS, _THREAD, _FROM, _TO, _CAPTURE)


@gzip_page
@endpoint("GET", role=Role.VIEWER)
@described(
    answer=profile_answers.Diff,
    query=(*SELECT, CELLS, GROUP, *FILE_OF, *_BASE, _MODE, THREADS, CUT),
    problems=(404, 409),
)
def diff(request: ApiRequest) -> HttpResponse:
    """A selection of a service against a base, on one tree.

    What the base does not name is as on the other side; its range is the one right before, of the same length.
    """
    mode, threads, cut = _MODE.of(request), THREADS.of(request), CUT.of(request)
    chosen = selection.of_request(request)
    base = _base(request, chosen)
    files = base.upload is not None or chosen.upload is not None
    if base.service != chosen.service and not files:
        raise query.refusal(
            "base.capture", f"it is of {base.service!r}, and the other side of {chosen.service!r}"
        )
    try:
        sides = [one.merged() for one in (base, chosen)]
        if files:
            sides = [
                graphs.in_words(one.service, side, _MOST_STACKS)
                for one, side in zip((base, chosen), sides, strict=True)
            ]
        found = diffs.build(chosen.service, *sides, threads=threads, cut=cut)
    except diffs.Incomparable as error:
        raise query.refusal("base.capture", f"{error}: choose two of one type") from None
    return as_json(with_layers(found.as_json(mode)))  # type: ignore[arg-type]


def _base(request: ApiRequest, other: Selection) -> Selection:
    """Raises Problem."""
    if _UPLOAD.of(request):
        return selection.of_upload(uploads.get(_UPLOAD.of(request)), _VALUE.of(request))
    thread = selection.thread_of(request, _THREAD) or other.selector.thread
    if _CAPTURE.of(request):
        return selection.of_capture(captures.get(_CAPTURE.of(request)), "", thread)
    region = selection.cells_of(request, _CELLS)
    if region and not (_FROM.of(request) or _TO.of(request)):
        same = replace(other, selector=replace(other.selector, thread=thread))
        return replace(
            same if selection.CAPTURE.of(request) else _other_hosts(request, other, thread), cells=region
        )
    end_ns, start_ns = _TO.of(request), _FROM.of(request)
    length_ns = other.end_ns - other.start_ns
    if end_ns is None:
        end_ns = other.start_ns if start_ns is None or start_ns < other.start_ns else start_ns + length_ns
    start_ns = end_ns - length_ns if start_ns is None else start_ns
    if start_ns >= end_ns:
        raise query.refusal("base.from", f"{start_ns / 1e9:.3f} is not before base.to {end_ns / 1e9:.3f}")
    found = _other_hosts(request, other, thread)
    return replace(found, start_ns=start_ns, end_ns=end_ns, cells=region)


def _other_hosts(request: ApiRequest, other: Selection, thread: str | None) -> Selection:
    """The other side with the base's hosts and labels, where it names any."""
    selector = Selector(
        other.service,
        other.selector.type,
        scope.host_ids(request, _HOST) or other.host_ids,
        query.labels_of(request, "base.label.") or other.selector.labels,
        thread=thread,
    )
    return Selection(selector, other.start_ns, other.end_ns)
