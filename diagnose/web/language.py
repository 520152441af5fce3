"""The language of the pages: chosen in the menu, else what the browser prefers; and its words for scripts."""

from __future__ import annotations

from django.http.response import HttpResponseBase
from django.views.decorators.cache import cache_control
from django.views.decorators.http import require_POST
from django.views.i18n import JavaScriptCatalog, set_language

from diagnose.access.pages import PageRequest, page


@require_POST
@page()
def choose(request: PageRequest) -> HttpResponseBase:
    """Keeps `language` in a cookie, and goes back to `next`."""
    return set_language(request)


@page()
@cache_control(private=True, max_age=300)
def words(request: PageRequest) -> HttpResponseBase:
    """The catalogue that `gettext` of static/js/words.js asks; asked for in the page's language."""
    return JavaScriptCatalog.as_view()(request)
