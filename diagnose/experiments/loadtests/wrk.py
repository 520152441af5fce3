"""wrk and wrk2, as they print; quantiles are there with --latency."""

from __future__ import annotations

import re

from diagnose.experiments.loadtests.result import LoadTest, count_of, figure, seconds_of

_QUANTILE = re.compile(r"^\s*([\d.]+)%\s+([\d.]+(?:us|ms|s|m|h))\s*$", re.MULTILINE)
_SOCKETS = re.compile(r"Socket errors: connect (\d+), read (\d+), write (\d+), timeout (\d+)")


def parse(text: str) -> LoadTest | None:
    if not re.search(r"^Running .+ test @ ", text, re.MULTILINE) or "Thread Stats" not in text:
        return None
    requests = int(figure(r"^\s*(\d+) requests in ", text, "wrk", "the number of requests"))
    sockets = _SOCKETS.search(text)
    refused = re.search(r"Non-2xx or 3xx responses: (\d+)", text)
    errors = sum(map(int, sockets.groups())) if sockets else 0
    return LoadTest(
        tool="wrk",
        requests=requests,
        errors=errors + (int(refused[1]) if refused else 0),
        rate=count_of(figure(r"^Requests/sec:\s+(\S+)", text, "wrk", "Requests/sec")),
        latency={float(share) / 100: seconds_of(time) for share, time in _QUANTILE.findall(text)},
        seconds=seconds_of(figure(r"requests in ([\d.]+\w+),", text, "wrk", "its duration")),
    )
