"""Triage, findings and advice of one window as lines for a terminal."""

from __future__ import annotations

import textwrap
from collections.abc import Iterator, Sequence

from diagnose.correlate.engine import Evaluation, Judgement
from diagnose.correlate.samples import Samples
from diagnose.correlate.triage import Triage
from diagnose.findings.advice import plain
from diagnose.reports.triage import WORDS

WIDTH = 110
_MOST_SERVICES = 5
_BAR = 30


def text(samples: Samples, evaluation: Evaluation, services: Sequence[Triage]) -> str:
    """All of it; root causes by weight, with their symptoms named under them."""
    return "\n".join(_lines(samples, evaluation, services)) + "\n"


def _lines(samples: Samples, evaluation: Evaluation, services: Sequence[Triage]) -> Iterator[str]:
    yield f"{samples.host}: {samples.seconds:.0f} s of readings"
    if services:
        yield "\nWhere the threads of services spent their time"
        yield from (_triage(each) for each in services[:_MOST_SERVICES])
    roots = sorted(
        (each for each in evaluation.judgements if each.explained_by is None),
        key=lambda each: -each.verdict.impact.share * each.confidence,
    )
    yield f"\n{len(roots) or 'No'} finding{'' if len(roots) == 1 else 's'}"
    for number, root in enumerate(roots, 1):
        yield from _finding(number, root, evaluation)
    if evaluation.unknown:
        names = ", ".join(each.what for each in evaluation.unknown)
        yield "\n" + _wrapped(f"Not checked, for want of readings: {names}", "")


def _triage(service: Triage) -> str:
    filled = round(_BAR * (1 - service.shares["idle"]))
    bar = "#" * filled + "." * (_BAR - filled)
    state = service.heaviest
    return (
        f"  {service.service[:32]:<32} {bar} {service.busy:5.1f} threads busy, "
        f"mostly {WORDS[state]} ({service.shares[state]:.0%})"
    )


def _finding(number: int, root: Judgement, evaluation: Evaluation) -> Iterator[str]:
    verdict, index = root.verdict, evaluation.judgements.index(root)
    calibrated = "" if root.calibrated else ", uncalibrated"
    yield ""
    yield _wrapped(f"{number}. {verdict.headline}", "   ")
    yield _wrapped(
        f"{root.rule}, {root.confidence:.0%} sure{calibrated}; {verdict.impact.text}", "   ", first="   "
    )
    yield from _under("Evidence", [f"{line.kind}: {line.text}" for line in verdict.evidence])
    symptoms = [each.verdict.headline for each in evaluation.judgements if each.explained_by == index]
    yield from _under("Explains", symptoms)
    yield from _under("Ruled out", [f"{each.rule}: {each.reason}" for each in verdict.ruled_out])
    for advice in verdict.recommendations:
        yield "   Do"
        yield textwrap.indent(plain.render(advice).rstrip(), "     ")
    yield from _under("Will not help", [f"{each.action}: {each.reason}" for each in verdict.will_not_help])


def _under(title: str, lines: Sequence[str]) -> Iterator[str]:
    if lines:
        yield f"   {title}"
        yield from (_wrapped(line, "       ", first="     - ") for line in lines)


def _wrapped(line: str, indent: str, first: str = "") -> str:
    return textwrap.fill(line, WIDTH, initial_indent=first, subsequent_indent=indent, break_long_words=False)
