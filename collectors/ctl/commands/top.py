"""`diagnosectl top SERVICE`: the functions that take most time themselves."""

from __future__ import annotations

import argparse
import json
import sys

from collectors.ctl import tables
from collectors.ctl.commands import selecting
from collectors.ctl.server import Server

NAME, HELP = "top", "the functions of a service that take most time"


def arguments(parser: argparse.ArgumentParser) -> None:
    selecting.arguments(parser)
    parser.add_argument("--limit", type=int, default=20)


def run(server: Server, options: argparse.Namespace) -> int:
    found = server.get("/profiles/top", limit=options.limit, **selecting.query(options))
    if options.json:
        sys.stdout.write(json.dumps(found, indent=2) + "\n")
        return 0
    whole = max(1, found["total"])
    rows = [
        [
            tables.percent(each["self"] / whole),
            tables.percent(each["total"] / whole),
            each["name"],
            f"{each['file']}:{each['line']}" if each["line"] else each["file"],
        ]
        for each in found["results"]
    ]
    tables.printed(("self", "total", "function", "where"), rows, numbers=(0, 1))
    return 0
