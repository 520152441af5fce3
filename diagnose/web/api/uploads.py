"""`/profiles/uploads`: profiles that people bring as files."""

from __future__ import annotations

from datetime import datetime

from django.http import HttpResponse

from diagnose.access.endpoints import ApiRequest, by_method, endpoint
from diagnose.ingest import uploads as kept
from diagnose.models import Upload
from diagnose.models.access import Role
from diagnose.web.api import paging, query
from diagnose.web.api.answers import Answer
from diagnose.web.api.describe import described

_NAME = query.text("name", "What the file is called.", default="profile")
_ANYTHING = "application/octet-stream"


class UploadedProfile(Answer, frozen=True):
    """A file; `values` are what its samples count, what is shown first ahead."""

    id: str
    name: str
    format: str
    values: list[str]
    bytes: int
    uploaded_by: str
    uploaded_at: datetime
    url: str


class UploadedProfiles(Answer, frozen=True):
    """A page of files, newest first."""

    results: list[UploadedProfile]
    next: str | None


def _answer(upload: Upload) -> UploadedProfile:
    fields = upload.id, upload.name, upload.format, upload.values, upload.bytes, upload.uploaded_by
    return UploadedProfile(*fields, upload.uploaded_at, f"/profile/files?upload={upload.id}")


@endpoint("GET", role=Role.VIEWER)
@described(answer=UploadedProfiles, query=(query.LIMIT, query.AFTER))
def list_uploads(request: ApiRequest) -> UploadedProfiles:
    """Files that were uploaded, newest first."""
    shown, following = paging.page_of(request, Upload.objects.all())
    return UploadedProfiles([_answer(upload) for upload in shown], following)


@endpoint("POST", role=Role.OPERATOR)
@described(
    answer=UploadedProfile, status=201, query=(_NAME,), body=bytes, body_type=_ANYTHING, problems=(413, 422)
)
def keep_upload(request: ApiRequest) -> UploadedProfile:
    """Keep a profile of another program: the body is the file, compressed or not, up to 16 MiB.

    pprof, folded stacks and speedscope files are told apart by their content.
    """
    return _answer(kept.keep(_NAME.of(request), request.body, request.actor))


@endpoint("DELETE", role=Role.OPERATOR)
@described(status=204, problems=(404,))
def forget_upload(request: ApiRequest, upload_id: str) -> HttpResponse:
    """Delete an uploaded file."""
    kept.delete(kept.get(upload_id), request.actor)
    return HttpResponse(status=204)


uploads = by_method(GET=list_uploads, POST=keep_upload)
upload = by_method(DELETE=forget_upload)
