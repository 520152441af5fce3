"""One form for all results: a list of rows in bench/results/<area>.json, medians with the least and the most."""

from __future__ import annotations

import json
import statistics
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from time import perf_counter

from bench import _render

RESULTS = Path(__file__).resolve().parent / "results"
ROUNDS = 7


@dataclass(frozen=True, slots=True)
class Row:
    """One figure; `beside` holds what peers reached in the same run."""

    name: str
    value: float
    unit: str
    better: str
    target: float | None
    rounds: int
    min: float
    max: float
    beside: Mapping[str, float] = field(default_factory=dict)


def row(
    name: str,
    samples: Sequence[float],
    unit: str,
    better: str,
    target: float | None,
    beside: Mapping[str, Sequence[float]] | None = None,
) -> Row:
    """The median of the rounds; peers by the medians of theirs."""
    peers = {peer: rounded(statistics.median(values)) for peer, values in (beside or {}).items()}
    values = [rounded(value) for value in samples]
    middle = rounded(statistics.median(samples))
    return Row(name, middle, unit, better, target, len(samples), min(values), max(values), peers)


def rounded(value: float) -> float:
    """Three significant digits, whole numbers above a hundred."""
    return float(f"{value:.3g}") if abs(value) < 100 else float(round(value))


def milliseconds(run: Callable[[], object], rounds: int) -> list[float]:
    """How long each of `rounds` calls takes, after one that does not count."""
    run()
    found = []
    for _ in range(rounds):
        began = perf_counter()
        run()
        found.append((perf_counter() - began) * 1000)
    return found


def percentiles(
    name: str, samples: Sequence[float], target: float, beside: Mapping[str, Sequence[float]] | None = None
) -> list[Row]:
    """Two rows, p50 and p95, of one list of times; peers by the same."""
    low, high = rounded(min(samples)), rounded(max(samples))
    found = []
    for kind, share, bound in (("p50", 0.5, None), ("p95", 0.95, target)):
        value, peers = (
            percentile(samples, share),
            {k: percentile(v, share) for k, v in (beside or {}).items()},
        )
        found.append(Row(f"{name}_{kind}", value, "ms", "lower", bound, len(samples), low, high, peers))
    return found


def percentile(samples: Sequence[float], share: float) -> float:
    """The sample that this share of them does not pass."""
    ordered = sorted(samples)
    return rounded(ordered[min(len(ordered) - 1, int(len(ordered) * share))])


def update(area: str, rows: Sequence[Row]) -> None:
    """Replace those of the area's last results that were measured again, and print all."""
    file = RESULTS / f"{area}.json"
    last = [Row(**one) for one in json.loads(file.read_text())] if file.exists() else []
    names = [*dict.fromkeys(one.name for one in (*last, *rows))]
    found = {one.name: one for one in (*last, *rows)}
    write(area, [found[name] for name in names])


def write(area: str, rows: Sequence[Row]) -> None:
    """Replace the area's last results, and print them."""
    RESULTS.mkdir(exist_ok=True)
    (RESULTS / f"{area}.json").write_text(json.dumps([asdict(one) for one in rows], indent=1) + "\n")
    _render.main()
    for one in rows:
        beside = "".join(f"  {peer} {value:g}" for peer, value in one.beside.items())
        print(f"{one.name:48} {one.value:>12g} {one.unit:12} target {one.target}{beside}")
