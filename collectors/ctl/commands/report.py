"""`diagnosectl report`: a diagnosis report, made now; as Markdown on standard output, or JSON."""

from __future__ import annotations

import argparse
import sys

from collectors.ctl import times
from collectors.ctl.server import Server

NAME, HELP = "report", "make a diagnosis report of all hosts, one host or a service"


def arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--host", default="", help="by name or id")
    parser.add_argument("--service", default="")
    parser.add_argument(
        "--from",
        dest="start",
        type=times.moment,
        default=times.moment("24h"),
        help=f"{times.HELP}; default: 24h",
    )
    parser.add_argument("--to", dest="end", type=times.moment, default="", help="default: now")


def run(server: Server, options: argparse.Namespace) -> int:
    wanted = {"host": options.host, "service": options.service, "from": options.start, "to": options.end}
    made = server.post("/reports", wanted)
    shape = "json" if options.json else "markdown"
    sys.stdout.buffer.write(server.read(f"/reports/{made['id']}", format=shape))
    sys.stderr.write(f"{server.url}{made['url']}\n")
    return 0
