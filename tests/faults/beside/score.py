"""What other monitors said of the runs that they watched, beside ours, by the same labels."""

from __future__ import annotations

from collections.abc import Sequence

from tests.faults.beside.alarms import NAMES, named
from tests.faults.results import Result

# What a run said: each thing as the rules that it names.
Said = list[frozenset[str]]
_HEAD = ("runs of faults", "the cause is named", "nothing said", "said beside it, a run", "benign, and quiet")


def table(results: Sequence[Result]) -> str:
    """A row a monitor in Markdown; only runs that all of them watched. Empty where there are none."""
    watched = [each for each in results if set(NAMES) <= set(each.beside)]
    if not watched:
        return ""
    ours = _row("Diagnose", watched, [[frozenset({each.rule}) for each in one.roots] for one in watched])
    rows = [ours]
    for monitor in NAMES:
        said = [[named(monitor, alarm) for alarm in one.beside[monitor]] for one in watched]
        rows.append(_row(monitor, watched, said))
    lines = [("", *_HEAD), ("---", *("--:" for _ in _HEAD)), *rows]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def _row(name: str, results: Sequence[Result], said: Sequence[Said]) -> tuple[str, ...]:
    faulty = [(one, words) for one, words in zip(results, said, strict=True) if one.truth]
    benign = [words for one, words in zip(results, said, strict=True) if not one.truth]
    right = sum(any(each & set(one.truth) for each in words) for one, words in faulty)
    silent = sum(not words for _, words in faulty)
    wrong = sum(not each & set(one.truth) for one, words in faulty for each in words)
    quiet = sum(not words for words in benign)
    count = len(faulty)
    return (
        name,
        str(count),
        _share(right, count),
        _share(silent, count),
        f"{wrong / count:.2f}" if count else "–",
        f"{_share(quiet, len(benign))} of {len(benign)}",
    )


def _share(count: int, total: int) -> str:
    return f"{count / total:.0%}".replace("%", " %") if total else "–"
