"""What other monitors said of the runs that they watched, beside ours, by the same labels."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from tests.faults.beside.alarms import NAMES, named
from tests.faults.results import Result

OURS = "Diagnose"
_HEAD = ("", "faults", "cause named", "nothing said", "said beside it, a run", "benign runs", "quiet on them")


@dataclass(frozen=True, slots=True)
class Figures:
    """Shares are 0…1 of the faulty runs, `quiet` of the benign ones; `surplus` is what does not name the cause, a run.

    Others do not say which of their alarms is the cause: one is enough, wherever it stands.
    """

    faulty: int
    benign: int
    named: float
    silent: float
    surplus: float
    quiet: float


def watched(results: Sequence[Result]) -> list[Result]:
    """Runs that all of the others watched."""
    return [each for each in results if set(NAMES) <= set(each.beside)]


def compared(results: Sequence[Result]) -> Mapping[str, Figures]:
    """By monitor, ours first; empty where the others watched no faulty or no benign run."""
    found = watched(results)
    if not any(each.truth for each in found) or all(each.truth for each in found):
        return {}
    said = {OURS: [[frozenset({each.rule}) for each in one.roots] for one in found]}
    said |= {name: [[named(name, alarm) for alarm in one.beside[name]] for one in found] for name in NAMES}
    return {name: _figures(found, words) for name, words in said.items()}


def _figures(results: Sequence[Result], said: Sequence[Sequence[frozenset[str]]]) -> Figures:
    faulty = [(set(one.truth), words) for one, words in zip(results, said, strict=True) if one.truth]
    benign = [words for one, words in zip(results, said, strict=True) if not one.truth]
    return Figures(
        faulty=len(faulty),
        benign=len(benign),
        named=sum(any(each & truth for each in words) for truth, words in faulty) / len(faulty),
        silent=sum(not words for _, words in faulty) / len(faulty),
        surplus=sum(not each & truth for truth, words in faulty for each in words) / len(faulty),
        quiet=sum(not words for words in benign) / len(benign),
    )


def table(results: Sequence[Result]) -> str:
    """A row a monitor, in Markdown."""
    rows = [(name, *_cells(figures)) for name, figures in compared(results).items()]
    if not rows:
        return ""
    lines = [_HEAD, ("---", *("--:" for _ in _HEAD[1:])), *rows]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def _cells(figures: Figures) -> tuple[str, ...]:
    shares = (figures.named, figures.silent, figures.quiet)
    named, silent, quiet = (f"{share:.0%}".replace("%", " %") for share in shares)
    return str(figures.faulty), named, silent, f"{figures.surplus:.2f}", str(figures.benign), quiet
