"""What hosts install the collector with: the script, a package index (PEP 503 and 691), the files.

Open to everybody, as there is nothing secret in it; who may become a host is decided by the enrolment token.
"""

from __future__ import annotations

from django.http import FileResponse, Http404, HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils.html import format_html, format_html_join
from django.views.decorators.http import require_safe

from diagnose.installer import script, shelf
from diagnose.installer.shelf import Kept

_JSON = "application/vnd.pypi.simple.v1+json"
_VERSION = "1.0"


def server_url(request: HttpRequest) -> str:
    """How whoever asks reaches this server; its host name was checked against ALLOWED_HOSTS."""
    return request.build_absolute_uri("/").rstrip("/")


@require_safe
def install_script(request: HttpRequest) -> HttpResponse:
    state = shelf.state()
    context = script.context(server_url(request), state.shelf, state.why_empty)
    answer = render(request, "install.sh", context, content_type="text/x-shellscript; charset=utf-8")
    answer.headers["Cache-Control"] = "no-store"
    return answer


@require_safe
def projects(request: HttpRequest) -> HttpResponse:
    found = shelf.shelf()
    names = found.projects if found else []
    if _wants_json(request):
        return _as_json({"projects": [{"name": name} for name in names]})
    links = ((reverse("collector-project", args=[name]), name) for name in names)
    return _as_html(format_html_join("\n", '<a href="{}">{}</a>', links))


@require_safe
def project(request: HttpRequest, name: str) -> HttpResponse:
    found = shelf.shelf()
    files = found.of_project(name) if found else []
    if not files:
        raise Http404(f"There is no wheel of {name} here.")
    if _wants_json(request):
        versions = sorted({file.version for file in files})
        return _as_json({"name": name, "versions": versions, "files": [_entry(each) for each in files]})
    links = ((f"{_address(each)}#sha256={each.sha256}", each.name) for each in files)
    return _as_html(format_html_join("\n", '<a href="{}">{}</a><br>', links))


@require_safe
def file(_request: HttpRequest, name: str) -> HttpResponse | FileResponse:
    found = shelf.find(name)
    if found is None:
        raise Http404(f"There is no file {name} here.")
    kept, path = found
    answer = FileResponse(path.open("rb"), as_attachment=True, filename=kept.name)
    answer.headers["Cache-Control"] = "no-cache"  # the collector's own keeps its name while its version does
    return answer


def _wants_json(request: HttpRequest) -> bool:
    return request.get_preferred_type(["text/html", _JSON]) == _JSON


def _entry(kept: Kept) -> dict[str, object]:
    return {
        "filename": kept.name,
        "url": _address(kept),
        "hashes": {"sha256": kept.sha256},
        "size": kept.bytes,
    }


def _address(kept: Kept) -> str:
    return reverse("collector-file", args=[kept.name])


def _as_json(body: dict[str, object]) -> JsonResponse:
    return JsonResponse({"meta": {"api-version": _VERSION}, **body}, content_type=_JSON)


def _as_html(links: str) -> HttpResponse:
    page = '<!DOCTYPE html><html><head><meta name="pypi:repository-version" content="{}"></head><body>{}</body></html>'
    return HttpResponse(format_html(page, _VERSION, links))
