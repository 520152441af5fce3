"""`diagnosectl findings`: what is wrong, worst first; with --watch whenever that changes."""

from __future__ import annotations

import argparse
import json
import sys
import time
from typing import Any

from collectors.ctl import tables
from collectors.ctl.server import Server

NAME, HELP = "findings", "what is wrong, worst first"
_EVERY_SECONDS = 5.0


def arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--host", help="only of this host, by name or id")
    parser.add_argument("--service", help="only of this service")
    parser.add_argument("--rule", help="only of this rule")
    parser.add_argument("--state", default="open", choices=("open", "resolved", "muted", "all"))
    parser.add_argument("--limit", type=int, default=50)
    parser.add_argument(
        "--watch", action="store_true", help="print again whenever something changes, until Ctrl-C"
    )
    parser.add_argument("--fail", action="store_true", help="exit status 1 when there is a root cause")


def run(server: Server, options: argparse.Namespace) -> int:
    known: list[Any] = []
    while True:
        found = _found(server, options)
        state = [(each["id"], each["state"], each["headline"]) for each in found]
        if state != known or not options.watch:
            _show(found, options)
            known = state
        if not options.watch:
            causes = [each for each in found if each["state"] == "open" and not each["explained_by"]]
            return 1 if options.fail and causes else 0
        time.sleep(_EVERY_SECONDS)


def _found(server: Server, options: argparse.Namespace) -> list[dict[str, Any]]:
    query = {"host": options.host, "service": options.service, "rule": options.rule, "state": options.state}
    return list(server.each("/findings", options.limit, **query))


def _show(found: list[dict[str, Any]], options: argparse.Namespace) -> None:
    if options.json:
        sys.stdout.write(json.dumps(found, indent=2) + "\n")
    elif not found:
        sys.stdout.write("Nothing is wrong, as far as could be checked.\n")
    else:
        rows = [
            [
                str(each["rank"] or ("↳" if each["explained_by"] else "")),
                each["id"],
                tables.percent(each["impact"]["share"]),
                tables.percent(each["confidence"]),
                each["subject"]["host"],
                each["headline"],
            ]
            for each in found
        ]
        tables.printed(("#", "id", "impact", "sure", "host", "what"), rows, numbers=(2, 3))
    sys.stdout.flush()
