"""What is told: findings that opened, came back or are over, in the form that every channel starts from."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Literal

Status = Literal["firing", "resolved"]
Severity = Literal["critical", "warning", "info"]
# Confidence times impact: what somebody should get up for, and what can wait for the morning.
_CRITICAL, _WARNING = 0.3, 0.05


@dataclass(frozen=True, slots=True)
class Notice:
    """One finding. `key` is the same for all that is told of it, and another when it comes back."""

    key: str
    status: Status
    rule: str
    headline: str
    host: str
    service: str
    confidence: float
    impact: float
    impact_text: str
    began_at: datetime
    ended_at: datetime | None
    url: str
    advice: str = ""
    symptoms: Sequence[str] = field(default_factory=tuple)

    @property
    def severity(self) -> Severity:
        weight = self.confidence * self.impact
        return "critical" if weight >= _CRITICAL else "warning" if weight >= _WARNING else "info"

    @property
    def title(self) -> str:
        """One line."""
        return f"{'Over: ' if self.status == 'resolved' else ''}{self.headline}"

    def as_json(self) -> dict[str, Any]:
        """For programs."""
        return {
            "key": self.key,
            "status": self.status,
            "severity": self.severity,
            "rule": self.rule,
            "headline": self.headline,
            "host": self.host,
            "service": self.service,
            "confidence": round(self.confidence, 3),
            "impact": round(self.impact, 3),
            "impact_text": self.impact_text,
            "began_at": self.began_at.isoformat(),
            "ended_at": self.ended_at and self.ended_at.isoformat(),
            "advice": self.advice,
            "symptoms": list(self.symptoms),
            "url": self.url,
        }


@dataclass(frozen=True, slots=True)
class Message:
    """All that is told on a channel at once. `at` is when it is sent."""

    notices: Sequence[Notice]
    at: datetime
    test: bool = False

    @property
    def title(self) -> str:
        if self.test:
            return "Diagnose: this channel works"
        first = self.notices[0].title
        more = len(self.notices) - 1
        return first if not more else f"{first} (and {more} more)"

    def lines(self) -> list[str]:
        """As plain text."""
        if self.test:
            return ["This is a test; nothing is wrong."]
        return [line for notice in self.notices for line in _lines(notice)]


def _lines(notice: Notice) -> list[str]:
    where = f"{notice.host}, {notice.service}" if notice.service else notice.host
    lines = [notice.title, f"{where}; impact {notice.impact:.0%}, confidence {notice.confidence:.0%}"]
    if notice.status == "firing":
        lines += [notice.impact_text, *([f"What to do: {notice.advice}"] if notice.advice else [])]
        lines += [f"It explains: {symptom}" for symptom in notice.symptoms]
    return [*lines, notice.url, ""]
