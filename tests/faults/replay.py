"""A recorded run judged again, without the fault: what the engine says of all that was read."""

from __future__ import annotations

import gzip
import json
from pathlib import Path
from typing import Any

from diagnose.correlate import engine
from tests.diagnose.correlate import windows
from tests.faults.corpus import all_cases
from tests.faults.results import Found, Result

BUNDLES = sorted(windows.BUNDLES.glob("*.json.gz"))


def raw(path: Path) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(gzip.decompress(path.read_bytes()))
    return found


def replayed(path: Path) -> Result:
    """As a live run would have ended with the rules of now; the delay is not known."""
    bundle = raw(path)
    case = next(case for case in all_cases() if case.name == bundle["case"])
    judgements = engine.evaluate(windows.parsed(bundle)).judgements
    order = sorted(judgements, key=lambda each: -each.verdict.impact.share * each.confidence)
    findings = tuple(
        Found(
            rule=each.rule,
            confidence=each.confidence,
            rank=order.index(each) + 1,
            cause="" if each.explained_by is None else judgements[each.explained_by].rule,
            headline=each.verdict.headline,
            after_seconds=0.0,
        )
        for each in judgements
    )
    seconds = (bundle["end_ms"] - bundle["start_ms"]) / 1000
    return Result(
        case.name,
        case.family,
        bundle["intensity"],
        0,
        case.truth,
        None,
        findings,
        "",
        seconds,
        0.0,
        "",
        case.also,
    )
