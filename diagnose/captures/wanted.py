"""What a person asks for, and what of it makes no sense, by field."""

from __future__ import annotations

import math
import re
from dataclasses import dataclass

from collectors.wire import CaptureTarget
from diagnose.access.problems import Problem
from diagnose.captures import kinds

MIN_SECONDS, MAX_SECONDS = 1.0, 300.0
MIN_HZ, MAX_HZ = 10, 999
_TARGETS = ("pid", "service", "cgroup", "container")
_LONGEST = {"service": 300, "cgroup": 500, "reason": 500}
_CONTAINER = re.compile(r"[0-9a-f]{12,64}")


@dataclass(frozen=True, slots=True)
class Wanted:
    """`kind` may be one of the old names, too."""

    target: CaptureTarget
    kind: str
    seconds: float
    hz: int
    reason: str


def check(wanted: Wanted) -> None:
    """Raises Problem 422 with all that is wrong."""
    errors = {**_target_errors(wanted.target), **_text_errors(wanted.target, wanted.reason)}
    if kinds.named(wanted.kind) is None:
        known = ", ".join(kind.name for kind in kinds.ALL)
        errors["kind"] = f"{wanted.kind!r} is not a kind of capture; use one of {known}"
    if not math.isfinite(wanted.seconds) or not MIN_SECONDS <= wanted.seconds <= MAX_SECONDS:
        errors["seconds"] = (
            f"{wanted.seconds:g} is not a duration from {MIN_SECONDS:g} to {MAX_SECONDS:g} seconds"
        )
    if not MIN_HZ <= wanted.hz <= MAX_HZ:
        errors["hz"] = f"{wanted.hz} is not a rate from {MIN_HZ} to {MAX_HZ} samples a second"
    if errors:
        raise refusal(errors)


def refusal(errors: dict[str, str]) -> Problem:
    """422 by field."""
    return Problem(422, "Cannot capture that", "; ".join(errors.values()) + ".", errors)


def _target_errors(target: CaptureTarget) -> dict[str, str]:
    given = [name for name in _TARGETS if getattr(target, name) not in (None, "")]
    if len(given) != 1:
        which = " and ".join(given) or "nothing"
        return {"target": f"{which} given; give exactly one of {', '.join(_TARGETS)}"}
    if target.pid is not None and not 1 <= target.pid < 1 << 22:  # PID_MAX_LIMIT of Linux
        return {"target.pid": f"{target.pid} is not a process id"}
    if target.cgroup and not target.cgroup.startswith("/"):
        return {
            "target.cgroup": f"{target.cgroup[:80]!r} is no path: begin it with /, as /proc/PID/cgroup does"
        }
    if target.container and not _CONTAINER.fullmatch(target.container):
        what = f"{target.container[:80]!r} is no container id: use its first 12 characters or more"
        return {"target.container": what}
    return {}


def _text_errors(target: CaptureTarget, reason: str) -> dict[str, str]:
    texts = {"service": target.service or "", "cgroup": target.cgroup or "", "reason": reason}
    found = {}
    for name, text in texts.items():
        field = name if name == "reason" else f"target.{name}"
        if len(text) > _LONGEST[name]:
            found[field] = f"{name} is longer than {_LONGEST[name]} characters"
        if "\0" in text:
            found[field] = f"{name} holds a NUL character; leave it out"
    return found
