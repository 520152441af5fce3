"""Which profiles a request means: a service, hosts, labels and a range, or one capture; read once for all endpoints."""

from __future__ import annotations

from dataclasses import dataclass, replace

from diagnose.access.endpoints import ApiRequest
from diagnose.access.problems import Problem
from diagnose.captures import describe
from diagnose.captures import query as captures
from diagnose.ingest import uploads
from diagnose.models import Capture, Upload
from diagnose.store import heatmap
from diagnose.store import profiles as store
from diagnose.store.heatmap import Interval
from diagnose.store.profiles import Merged, Selector
from diagnose.web.api import query, scope
from diagnose.web.api.cells import CELLS
from diagnose.web.api.query import Parameter

TYPES = ("cpu", "wall", "gil", "offcpu", "alloc_space", "inuse_space", "goroutine", "mutex", "block")
SERVICE = query.text("service", "The service, by name; not needed with `capture`.")
TYPE = query.choice("type", "The profile type.", TYPES, "cpu")
CAPTURE = query.text(
    "capture", "Only the on-demand capture of this id; it says service, host and time by itself."
)
GROUP = query.text(
    "capture_group",
    "Only the captures of this group of hosts, as one; those of the service that most of them found.",
)
THREAD = query.text("thread", "Only stacks of the thread of this name.")
UPLOAD = query.text("upload", "Only the uploaded file of this id; it needs nothing else.")
VALUE = query.text("value", "What of an uploaded file is counted. Default: what is first among its `values`.")
FILE_OF = (UPLOAD, VALUE)
CUT = query.share("cut", "Leave out nodes under this share of the whole.", 0.0005)
THREADS = query.flag("threads", "Put the thread's name below the root.")
FUNCTION = query.text("function", "The function, by its whole name.", required=True)
FILE = query.text("file", "Only the function of that name in this file. Default: in all files.")
# With CELLS it is what every endpoint of merged profiles takes.
SELECT = (SERVICE, TYPE, scope.HOST, query.LABELS, THREAD, query.FROM, query.TO, CAPTURE)


@dataclass(frozen=True, slots=True)
class Selection:
    """`more` are of the same service and type: captures of other hosts. `cells` are parts of the range.

    Of an `upload` the selector has the file's name for a service, and what its samples count for a type.
    """

    selector: Selector
    start_ns: int
    end_ns: int
    more: tuple[Selection, ...] = ()
    cells: tuple[Interval, ...] = ()
    upload: Upload | None = None

    @property
    def service(self) -> str:
        return self.selector.service

    @property
    def host_ids(self) -> tuple[int, ...]:
        return tuple(dict.fromkeys(host for one in (self, *self.more) for host in one.selector.host_ids))

    def merged(self) -> Merged:
        """Raises Problem 409 for cells of profiles that do not tell when their samples were taken."""
        if self.upload is not None:
            return uploads.merged(self.upload, self.selector.type)
        if self.cells:
            try:
                return heatmap.region(self.selector, self.cells)
            except heatmap.NoSampleTimes as error:
                raise no_times(error) from None
        if not self.more:
            return store.merge(self.selector, self.start_ns, self.end_ns)
        return store.merge_all([(one.selector, one.start_ns, one.end_ns) for one in (self, *self.more)])


def no_times(error: heatmap.NoSampleTimes) -> Problem:
    return Problem(409, "No sample times", f"{error}: GET /api/v1/profiles/flamegraph shows them without.")


def cells_of(request: ApiRequest, cells: Parameter[list[Interval]] = CELLS) -> tuple[Interval, ...]:
    return tuple(interval for part in cells.all_of(request) for interval in part)


def of_request(request: ApiRequest) -> Selection:
    """What the query selects. Raises Problem 422 without service or capture, 404 for an unknown capture."""
    return replace(_of_request(request), cells=cells_of(request))


def _of_request(request: ApiRequest) -> Selection:
    thread = thread_of(request, THREAD)
    given_type = TYPE.of(request) if request.GET.get(TYPE.name) else ""
    if UPLOAD.of(request):
        return of_upload(uploads.get(UPLOAD.of(request)), VALUE.of(request))
    if GROUP.of(request):
        return of_group(GROUP.of(request), given_type, thread)
    if CAPTURE.of(request):
        return of_capture(captures.get(CAPTURE.of(request)), given_type, thread)
    service, span = SERVICE.of(request), query.range_of(request)
    if not service:
        raise query.refusal("service", "'' selects nothing: GET /api/v1/profiles lists what is stored")
    selector = Selector(
        service, TYPE.of(request), scope.host_ids(request), query.labels_of(request), thread=thread
    )
    return Selection(selector, span.start_ns, span.end_ns)


def thread_of(request: ApiRequest, thread: Parameter[str]) -> str | None:
    return thread.of(request) or None


def of_upload(upload: Upload, value: str = "") -> Selection:
    """`value` is what its samples count, '' for the first."""
    return Selection(Selector(upload.name, value or upload.values[0]), 0, 0, upload=upload)


def of_capture(capture: Capture, type_: str, thread: str | None) -> Selection:
    """All of one capture: of the type, '' for its first. Raises Problem 409 when it has no result."""
    if capture.result_from_ns is None or capture.result_to_ns is None:
        raise Problem(
            409,
            "No result",
            f"Capture {capture.id} is {capture.state} and has no profile; GET /api/v1/captures/{capture.id} says why.",
        )
    selector = Selector(
        capture.result_service,
        type_ or capture.result_types[0],
        (capture.host_id,),
        capture_id=capture.id,
        thread=thread,
    )
    # A profile counts where it began, and the last may begin exactly at the end.
    return Selection(selector, capture.result_from_ns, capture.result_to_ns + 1)


def of_group(group_id: str, type_: str, thread: str | None) -> Selection:
    """All of the group's captures that can be shown as one. Raises Problem 404, and 409 when none has a result."""
    group = captures.group(group_id)
    merged = describe.merged_of(group)
    if not merged:
        detail = (
            f"No capture of group {group_id} has a profile; GET /api/v1/captures/groups/{group_id} says why."
        )
        raise Problem(409, "No result", detail)
    first, *more = (of_capture(capture, type_ or merged[0].result_types[0], thread) for capture in merged)
    return replace(first, more=tuple(more))
