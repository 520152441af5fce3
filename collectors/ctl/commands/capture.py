"""`diagnosectl capture HOST`: a profile on demand; waits until it is there, and says where."""

from __future__ import annotations

import argparse
import json
import sys
import time
from typing import Any

from collectors.ctl.server import Refused, Server

NAME, HELP = "capture", "take a profile on a host now"
_OVER = ("done", "failed", "cancelled", "expired")
_ASK_SECONDS = 0.5


def arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("host", help="by name or id")
    target = parser.add_mutually_exclusive_group(required=True)
    target.add_argument("--pid", type=int)
    target.add_argument("--service")
    parser.add_argument(
        "--kind", default="python_cpu", help="as the Captures page lists them; default: python_cpu"
    )
    parser.add_argument("--seconds", type=float, default=10.0)
    parser.add_argument("--hz", type=int, default=100)
    parser.add_argument("--reason", default="diagnosectl")
    parser.add_argument("--no-wait", action="store_true", help="do not wait for the result")


def run(server: Server, options: argparse.Namespace) -> int:
    target: dict[str, Any] = {"host": options.host}
    target |= {"pid": options.pid} if options.pid is not None else {"service": options.service}
    wanted = {
        "target": target,
        "kind": options.kind,
        "seconds": options.seconds,
        "hz": options.hz,
        "reason": options.reason,
    }
    found = server.post("/captures", wanted)
    told = ""
    while not options.no_wait and found["state"] not in _OVER:
        told = _tell(found, told, options)
        time.sleep(_ASK_SECONDS)
        found = server.get(f"/captures/{found['id']}")
    if options.json:
        sys.stdout.write(json.dumps(found, indent=2) + "\n")
    else:
        sys.stdout.write(f"{found['state']}: {server.url}/captures/{found['id']}\n")
    if found["state"] in _OVER[1:]:
        raise Refused(found["message"] or f"the capture is {found['state']}")
    return 0


def _tell(found: dict[str, Any], told: str, options: argparse.Namespace) -> str:
    """On standard error, once each time it changes."""
    text = f"{found['state']}: {found['message']}" if found["message"] else str(found["state"])
    if text != told and not options.json:
        sys.stderr.write(text + "\n")
    return text
