"""`diagnosectl hosts`: the hosts of the server, and when each was heard of."""

from __future__ import annotations

import argparse
import json
import sys

from collectors.ctl import tables
from collectors.ctl.server import Server

NAME, HELP = "hosts", "the hosts, and when each was last heard of"


def arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--limit", type=int, default=1000)


def run(server: Server, options: argparse.Namespace) -> int:
    found = list(server.each("/hosts", options.limit))
    if options.json:
        sys.stdout.write(json.dumps(found, indent=2) + "\n")
        return 0
    rows = [
        [
            str(each["id"]),
            each["name"],
            each["last_seen_at"] or "never",
            str(each["failing_probes"]),
            each["agent"],
        ]
        for each in found
    ]
    tables.printed(("id", "host", "last seen", "failing probes", "agent"), rows, numbers=(0, 3))
    return 0
