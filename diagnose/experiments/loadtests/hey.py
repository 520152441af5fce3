"""hey, as it prints."""

from __future__ import annotations

import re

from diagnose.experiments.loadtests.result import LoadTest, figure

_QUANTILE = re.compile(r"^\s*([\d.]+)%+ in ([\d.]+) secs", re.MULTILINE)
_STATUS = re.compile(r"^\s*\[(\d{3})\]\s+(\d+) responses", re.MULTILINE)
_ERROR = re.compile(r"^\s*\[(\d+)\]\s+(?!\d+ responses)\S", re.MULTILINE)


def parse(text: str) -> LoadTest | None:
    if "Summary:" not in text or "Response time histogram:" not in text:
        return None
    answers = {int(status): int(count) for status, count in _STATUS.findall(text)}
    _, _, behind = text.partition("Error distribution:")
    failed = sum(int(count) for count in _ERROR.findall(behind))
    refused = sum(count for status, count in answers.items() if status >= 400)
    return LoadTest(
        tool="hey",
        requests=sum(answers.values()) + failed,
        errors=failed + refused,
        rate=float(figure(r"Requests/sec:\s+([\d.]+)", text, "hey", "Requests/sec")),
        latency={float(share) / 100: float(time) for share, time in _QUANTILE.findall(text)},
        seconds=float(figure(r"Total:\s+([\d.]+) secs", text, "hey", "Total")),
    )
