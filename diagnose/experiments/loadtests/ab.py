"""ApacheBench, as it prints."""

from __future__ import annotations

import re

from diagnose.experiments.loadtests.result import LoadTest, figure

_QUANTILE = re.compile(r"^\s+(\d+)%\s+(\d+)", re.MULTILINE)


def parse(text: str) -> LoadTest | None:
    if "ApacheBench" not in text and "Percentage of the requests served within" not in text:
        return None
    failed = int(figure(r"^Failed requests:\s+(\d+)", text, "ApacheBench", "Failed requests"))
    refused = re.search(r"^Non-2xx responses:\s+(\d+)", text, re.MULTILINE)
    return LoadTest(
        tool="ApacheBench",
        requests=int(figure(r"^Complete requests:\s+(\d+)", text, "ApacheBench", "Complete requests")),
        errors=failed + (int(refused[1]) if refused else 0),
        rate=float(figure(r"^Requests per second:\s+([\d.]+)", text, "ApacheBench", "Requests per second")),
        latency={int(share) / 100: int(time) / 1000 for share, time in _QUANTILE.findall(text)},
        seconds=float(
            figure(r"^Time taken for tests:\s+([\d.]+)", text, "ApacheBench", "Time taken for tests")
        ),
    )
