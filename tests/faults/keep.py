"""Bundles as they are kept: of the case alone, compressed, the same bytes for the same content."""

from __future__ import annotations

import gzip
import json
import sys
from pathlib import Path
from typing import Any

from tests.faults.stage import PROGRAMS, ROOT

_PLACES = ((PROGRAMS, "/srv/shop"), (ROOT, "/srv/diagnose"), (sys.prefix, "/usr"), (sys.base_prefix, "/usr"))


def write(path: Path, window: dict[str, Any]) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    text = json.dumps(cleaned(window), separators=(",", ":"), sort_keys=True)
    path.write_bytes(gzip.compress(text.encode(), mtime=0))


def cleaned(window: dict[str, Any]) -> dict[str, Any]:
    """Without what else runs on this machine, and with files where a service would have them."""
    services = {
        each["labels"]["service"]
        for each in (*window["series"], *window["profiles"])
        if "service" in each.get("labels", {}) and "pid" in each.get("labels", {})
    }
    services |= {each["service"] for each in window["profiles"]}

    def ours(row: dict[str, Any]) -> bool:
        return row["labels"].get("service", "") in {"", *services}

    facts = {
        name: value
        for name, value in window["facts"].items()
        if not name.startswith("service.")
        or (_service_of(name) in services and not name.endswith(".command"))
    }
    return window | {
        "facts": {name: _place(value) for name, value in facts.items()},
        "series": [each for each in window["series"] if ours(each)],
        "histograms": [each for each in window.get("histograms", ()) if ours(each)],
        "profiles": [
            each
            | {
                "stacks": [
                    [thread, count, [[name, _place(file), line] for name, file, line in frames]]
                    for thread, count, frames in each["stacks"]
                ]
            }
            for each in window["profiles"]
        ],
    }


def _service_of(fact: str) -> str:
    """`service.<service>.<what>`; either may have dots in it, and what rules read has one at most."""
    return (
        fact.removeprefix("service.")
        .rpartition(".")[0]
        .removesuffix(".env")
        .removesuffix(".limit")
        .removesuffix(".cgroup")
    )


def _place(text: str) -> str:
    for root, shown in _PLACES:
        text = text.replace(str(root), shown)
    return text
