"""`diagnosectl gate SERVICE`: fails a pipeline when the service became worse than it was in an earlier time.

A function fails it when its own share of the CPU time surely grew by more than --most-function points; the time of
requests when its quantile grew by more than --most-latency per cent, with enough requests on both sides to tell.
"""

from __future__ import annotations

import argparse
import json
import sys
from dataclasses import asdict
from typing import Any

from collectors.ctl import regression, tables, times
from collectors.ctl.regression import Change
from collectors.ctl.server import Refused, Server

NAME, HELP = "gate", "exit status 1 when a service became slower or dearer than before"
_REQUESTS = "http_server_seconds"
_FUNCTIONS = 500
_LEAST_SAMPLES = 100
# A quantile of fewer is a matter of a request or two; buckets are 5 % wide.
_LEAST_BEYOND, _BUCKET = 20, 0.05


def arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("service")
    parser.add_argument("--host", action="append", help="only of this host; may be repeated")
    parser.add_argument(
        "--from",
        dest="start",
        type=times.moment,
        required=True,
        help=f"start of what is judged: {times.HELP}",
    )
    parser.add_argument("--to", dest="end", type=times.moment, default="", help="default: now")
    parser.add_argument(
        "--base-from", type=times.moment, required=True, help="start of what it is held against"
    )
    parser.add_argument("--base-to", type=times.moment, required=True, help="end of that")
    parser.add_argument("--most-function", type=float, default=5.0, metavar="POINTS", help="default: 5")
    parser.add_argument("--most-latency", type=float, default=10.0, metavar="PER_CENT", help="default: 10")
    parser.add_argument("--quantile", type=float, default=0.99, help="of the time of requests; default: 0.99")


def run(server: Server, options: argparse.Namespace) -> int:
    before = {
        "service": options.service,
        "host": options.host,
        "from": options.base_from,
        "to": options.base_to,
    }
    after = {"service": options.service, "host": options.host, "from": options.start, "to": options.end}
    functions = _functions(server, before, after)
    failed = regression.worse(functions, options.most_function / 100)
    latency, why = _latency(server, before, after, options.quantile)
    slower = latency is not None and latency.low is not None and latency.low > options.most_latency / 100
    if options.json:
        answer = {
            "passed": not failed and not slower,
            "functions": [asdict(each) for each in failed],
            "latency": latency and asdict(latency),
            "latency_unknown": why,
        }
        sys.stdout.write(json.dumps(answer, indent=2) + "\n")
    else:
        _tell(failed, functions, latency, why, slower)
    return 1 if failed or slower else 0


def _functions(server: Server, before: dict[str, Any], after: dict[str, Any]) -> list[Change]:
    sides = [server.get("/profiles/top", type="cpu", limit=_FUNCTIONS, **query) for query in (before, after)]
    for side, query in zip(sides, (before, after), strict=True):
        if side["total"] < _LEAST_SAMPLES:
            raise Refused(
                f"{side['total']} samples of {query['service']} from {query['from']} to {query['to'] or 'now'}: "
                f"at least {_LEAST_SAMPLES} are needed; choose a longer time"
            )
    old, new = (
        {f"{each['name']} {each['file']}": each["self"] for each in side["results"]} for side in sides
    )
    return regression.of_shares(old, sides[0]["total"], new, sides[1]["total"])


def _latency(
    server: Server, before: dict[str, Any], after: dict[str, Any], quantile: float
) -> tuple[Change | None, str]:
    """The growth of the quantile, or why it is not known."""
    values: list[float] = []
    for query in (before, after):
        answer = server.get(
            "/histograms", metric=_REQUESTS, merged="1", quantiles=str(quantile), points=1, **query
        )
        found = max(answer["results"], key=lambda one: one["count"], default=None)
        if found is None or not found["quantiles"][0]["seconds"]:
            return None, "no times of requests: the probe http_server tells them"
        if found["count"] * (1 - quantile) < _LEAST_BEYOND:
            return None, f"{found['count']} requests are too few for the quantile {quantile}"
        values.append(found["quantiles"][0]["seconds"])
    old, new = values
    growth = new / old - 1
    return Change(f"quantile {quantile}", old, new, growth - _BUCKET, growth + _BUCKET), ""


def _tell(
    failed: list[Change], functions: list[Change], latency: Change | None, why: str, slower: bool
) -> None:
    rows = [
        [
            "FAIL" if change in failed else "ok",
            tables.percent(change.before),
            tables.percent(change.after),
            f"{(change.low or 0) * 100:+.1f} … {(change.high or 0) * 100:+.1f}",
            change.name,
        ]
        for change in functions[:10]
    ]
    tables.printed(("", "before", "after", "points, 95 %", "function"), rows, numbers=(1, 2, 3))
    if latency is None:
        sys.stdout.write(f"latency not judged: {why}\n")
    else:
        word = "FAIL" if slower else "ok"
        sys.stdout.write(
            f"{word}  {latency.name}: {latency.before * 1000:.3g} → {latency.after * 1000:.3g} ms "
            f"({latency.low or 0:+.0%} … {latency.high or 0:+.0%})\n"
        )
