"""JSON bodies of API requests, decoded into msgspec Structs with an answer by field when they do not fit."""

from __future__ import annotations

from typing import TypeVar

import msgspec
from django.core.exceptions import RequestDataTooBig
from django.http import HttpRequest

from diagnose.access.problems import Problem

T = TypeVar("T")
_MAX_BYTES = 1024 * 1024


def decode(request: HttpRequest, form: type[T]) -> T:
    """The body as `form`. Raises Problem 400 (not JSON), 413 (over 1 MiB) or 422 (does not fit, by field)."""
    try:
        body = request.body
    except RequestDataTooBig:
        body = None
    if body is None or len(body) > _MAX_BYTES:
        raise Problem(413, "Body too large", f"A JSON body may have {_MAX_BYTES} bytes; send less.")
    try:
        return msgspec.json.decode(body or b"{}", type=form)
    except msgspec.ValidationError as error:
        what, _, place = str(error).partition(" - at `$.")
        field = place.rstrip("`") or "body"
        raise Problem(422, "Request does not fit", f"{field}: {what}.", errors={field: what}) from None
    except msgspec.DecodeError as error:
        raise Problem(400, "Not JSON", f"The body cannot be read as JSON: {error}.") from None
