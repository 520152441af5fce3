"""`diagnosectl finding ID`: what proves it, what to type, what will not help."""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Iterator
from typing import Any

from collectors.ctl import tables
from collectors.ctl.server import Server

NAME, HELP = "finding", "one finding: proof, what to type, what will not help"
_MARKS = {"supports": "+", "contradicts": "-", "missing": "?"}


def arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("id")


def run(server: Server, options: argparse.Namespace) -> int:
    found = server.get(f"/findings/{options.id}")
    if options.json:
        sys.stdout.write(json.dumps(found, indent=2) + "\n")
    else:
        sys.stdout.write("".join(f"{line}\n" for line in _lines(found, server)))
    return 0


def _lines(found: dict[str, Any], server: Server) -> Iterator[str]:
    yield tables.plain(found["headline"])
    yield tables.plain(found["impact"]["text"])
    yield (
        f"{found['state']} since {found['since']}; impact {tables.percent(found['impact']['share'])}, "
        f"confidence {tables.percent(found['confidence'])}; {found['rule']} on {tables.plain(found['subject']['host'])}"
    )
    yield ""
    for line in found["evidence"]:
        yield f"  {_MARKS[line['kind']]} {tables.plain(line['text'])}"
    for each in found["ruled_out"]:
        yield f"  not {each['rule']}: {tables.plain(each['reason'])}"
    for advice in found["recommendations"]:
        yield ""
        yield from _advice(advice)
    for each in found["will_not_help"]:
        yield f"  will not help: {tables.plain(each['action'])}: {tables.plain(each['reason'])}"
    yield ""
    yield f"{server.url}{found['url']}"


def _advice(advice: dict[str, Any]) -> Iterator[str]:
    change = (
        advice["proposed"] if advice["current"] is None else f"{advice['current']} → {advice['proposed']}"
    )
    yield f"→ {tables.plain(advice['target'])}: {tables.plain(change)}  (risk: {advice['risk']})"
    for line in (advice["renderings"].get("shell") or "").splitlines():
        yield f"    {tables.plain(line)}"
    if advice["undo"]:
        yield f"  undo: {tables.plain(advice['undo'])}"
