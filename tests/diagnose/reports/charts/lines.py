"""Lines for charts, and figures as Plotly itself checks them."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import numpy as np
import plotly.graph_objects as go

from diagnose.reports.charts.figure import Line, Window

START_NS = 1_780_000_000 * 10**9
WINDOW = Window(START_NS, START_NS + 900 * 10**9)
_TOKENS = Path(__file__).parents[4] / "static" / "css" / "tokens.css"


def line(metric: str, values, step_seconds: float = 10, **labels: str) -> Line:
    times = START_NS + (np.arange(len(values)) * step_seconds * 1e9).astype(np.int64)
    return Line(metric, labels, times, np.asarray(values, np.float64))


def checked(figure: dict[str, Any]) -> go.Figure:
    """Colours filled in from the style sheet as the page does, then validated. Raises ValueError."""
    known = dict(re.findall(r"(--[\w-]+):\s*([^;]+);", _TOKENS.read_text()))
    text = re.sub(r"var\((--[\w-]+)\)", lambda name: known[name[1]].replace('"', "'"), json.dumps(figure))
    return go.Figure(json.loads(text))


def names(figure: dict[str, Any]) -> list[str]:
    return [trace["name"] for trace in figure["data"]]
