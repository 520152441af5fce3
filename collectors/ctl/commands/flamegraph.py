"""`diagnosectl flamegraph SERVICE`: the heavy paths as a tree in the terminal, or a file in another format."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from collectors.ctl import tables
from collectors.ctl.commands import selecting
from collectors.ctl.server import Server

NAME, HELP = "flamegraph", "a flame graph as a tree in the terminal, or as a file"
FORMATS = ("json", "pprof", "folded", "speedscope", "svg")
_BAR = 20


def arguments(parser: argparse.ArgumentParser) -> None:
    selecting.arguments(parser)
    parser.add_argument("--format", choices=FORMATS, help="write it in this format instead of a tree")
    parser.add_argument("--output", help="the file to write; default: standard output")
    parser.add_argument(
        "--least", type=float, default=2.0, help="leave out what is below so many per cent (2)"
    )


def run(server: Server, options: argparse.Namespace) -> int:
    shape = options.format or ("json" if options.json else "")
    if shape:
        return _write(
            server.read("/profiles/flamegraph", format=shape, **selecting.query(options)), options.output
        )
    found = server.get("/profiles/flamegraph", cut=options.least / 100, **selecting.query(options))
    sys.stdout.write(f"{found['service']} {found['type']}: {found['total']} {found['unit']}\n")
    sys.stdout.writelines(f"{line}\n" for line in lines(found, options.least / 100))
    return 0


def _write(data: bytes, output: str | None) -> int:
    if output:
        Path(output).write_bytes(data)
    else:
        sys.stdout.buffer.write(data)
    return 0


def lines(found: dict[str, Any], least: float) -> Iterator[str]:
    """Depth first; an only child stands at its parent's depth, so that deep stacks stay readable."""
    nodes, frames, strings = found["nodes"], found["frames"], found["strings"]
    whole = max(1, found["total"])
    shown_depth: list[int] = [0]
    totals: list[int] = [found["total"]]
    for frame, depth, total in zip(nodes["frame"], nodes["depth"], nodes["total"], strict=True):
        if depth == 0 or total / whole < least:
            continue
        del shown_depth[depth:], totals[depth:]
        only = depth > 1 and total == totals[-1]
        at = shown_depth[-1] + (0 if only else 1)
        shown_depth.append(at)
        totals.append(total)
        share = total / whole
        bar = ("█" * round(share * _BAR)).ljust(_BAR)
        yield f"{tables.percent(share):>6} {bar} {'  ' * (at - 1)}{tables.plain(strings[frames['name'][frame]])}"
