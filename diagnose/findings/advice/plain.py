"""A recommendation as plain text, for a ticket or a mail: what, why, with what risk, and how to take it back."""

from __future__ import annotations

from collections.abc import Iterator

from diagnose.correlate.fit import Effect
from diagnose.correlate.rule import Recommendation
from diagnose.findings.advice import shell
from diagnose.findings.advice.side_effects import right_needed
from diagnose.findings.advice.targets import target_of
from diagnose.findings.advice.undo import undo
from diagnose.findings.advice.words import amount


def render(recommendation: Recommendation) -> str:
    """Always there: every change can be said."""
    return "\n".join(_lines(recommendation)) + "\n"


def _lines(advice: Recommendation) -> Iterator[str]:
    target = target_of(advice.change)
    if target.current is None:
        yield f"{target.target}: {target.proposed}"
    else:
        yield f"{target.target}: {target.current} -> {target.proposed}"
    yield from (f"  {name}: {text}" for name, text in _paragraphs(advice) if text)
    typed = shell.render(advice)
    if typed:
        yield "  Type:"
        yield from (f"    {line}" for line in typed.splitlines())


def _paragraphs(advice: Recommendation) -> Iterator[tuple[str, str]]:
    fit = advice.fit
    yield "Computed", advice.formula
    yield "Measured", "; ".join(each.text for each in fit.inputs)
    yield "Bounded", fit.bound
    yield "Expect", "; ".join(text for text in (advice.expected, words(fit.effect)) if text)
    risk = (
        "none"
        if advice.risk == "none"
        else f"{advice.risk}{f', {advice.risk_text}' if advice.risk_text else ''}"
    )
    yield "Risk", risk
    yield "Also moves", "; ".join(advice.side_effects)
    yield "Restart", advice.restart
    yield "Needs", right_needed(advice.change, fit.place)
    yield "Undo", undo(advice.change, fit.place)


def words(effect: Effect | None) -> str:
    """What goes away, with its interval."""
    if effect is None:
        return ""
    values = [amount(float(f"{value:.3g}")) for value in (effect.now, effect.low, effect.high, effect.target)]
    unit = f" {effect.unit}" if effect.unit not in ("", "ratio") else ""
    now, low, high, target = values
    side = "under " if effect.now > effect.target else "over "
    return (
        f"{effect.metric} from {now}{unit} ({low} to {high}, 95 %) to {side if effect.target else ''}{target}"
    )
