"""bench/README.md from the last results: `python -m bench._render`."""

from __future__ import annotations

import ast
import json
from pathlib import Path
from typing import Any

FOLDER = Path(__file__).resolve().parent
HEAD = """# Benchmarks

`make bench-<area>` measures one area and writes `results/<area>.json`; `make bench` measures all. This page is made
from those files by `python -m bench._render`. A figure is the median of its rounds, with the least and the most;
**short** marks one that does not reach its target, and "beside" is what a plain baseline reached in the same run.
Figures depend on the machine and on what else runs there: compare within one run.
"""


def main() -> None:
    parts = [HEAD]
    for path in sorted((FOLDER / "results").glob("*.json")):
        parts.append(section(path.stem, json.loads(path.read_text())))
    (FOLDER / "README.md").write_text("\n".join(parts))


def section(area: str, rows: list[dict[str, Any]]) -> str:
    """The method, which is the module's own docstring, and the figures."""
    text = ast.get_docstring(ast.parse((FOLDER / f"{area}.py").read_text())) or ""
    lines = [
        f"## {area}\n",
        text,
        "",
        "| what | median | least – most | target | beside |",
        "|---|--:|--:|--:|---|",
    ]
    lines += [line(row) for row in rows]
    short = [row["name"] for row in rows if not reached(row)]
    lines.append(f"\nShort of the target: {', '.join(short) if short else 'none'}.\n")
    return "\n".join(lines)


def line(row: dict[str, Any]) -> str:
    """One row of the table."""
    bound = "≥" if row["better"] == "higher" else "≤"
    target = "" if row["target"] is None else f"{bound} {number(row['target'])}"
    mark = "" if reached(row) else " **short**"
    beside = ", ".join(f"{peer} {number(value)}" for peer, value in row["beside"].items())
    spread = f"{number(row['min'])} – {number(row['max'])}"
    return f"| {row['name']} | {number(row['value'])} {row['unit']}{mark} | {spread} | {target} | {beside} |"


def reached(row: dict[str, Any]) -> bool:
    if row["target"] is None:
        return True
    higher = row["better"] == "higher"
    return bool(row["value"] >= row["target"]) if higher else bool(row["value"] <= row["target"])


def number(value: float) -> str:
    return f"{value:,.0f}" if abs(value) >= 100 else f"{value:g}"


if __name__ == "__main__":
    main()
