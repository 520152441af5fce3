"""What profiles a command means, as flags."""

from __future__ import annotations

import argparse
from typing import Any

from collectors.ctl import times


def arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("service", nargs="?", help="the service; or give --capture")
    parser.add_argument("--host", action="append", help="only of this host; may be repeated")
    parser.add_argument("--type", default="", help="cpu, wall, gil, offcpu, alloc_space, …; default: cpu")
    parser.add_argument(
        "--from", dest="start", type=times.moment, default="", help=f"{times.HELP}; default: an hour ago"
    )
    parser.add_argument("--to", dest="end", type=times.moment, default="", help="default: now")
    parser.add_argument("--capture", default="", help="the on-demand capture of this id")


def query(options: argparse.Namespace) -> dict[str, Any]:
    """For the endpoints of profiles."""
    return {
        "service": options.service,
        "host": options.host,
        "type": options.type,
        "from": options.start,
        "to": options.end,
        "capture": options.capture,
    }
