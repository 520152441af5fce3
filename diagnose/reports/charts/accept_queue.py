"""The fullest accept queues against their limits. Maxima: a burst that overflows lasts a fraction of a second."""

from __future__ import annotations

from collections.abc import Sequence

from diagnose.reports.charts.figure import Figure, Line, Reading, Window, layout, limit, trace

TITLE = "Accept queues"
NOTE = "longest queue seen in each step; dashed: the limit"
READS = (Reading("listener_accept_queue_length", "max"), Reading("listener_accept_queue_limit", "max"))
_SHOWN = 5
_KEYS = ("listener", "netns", "pid", "service")


def _key(line: Line) -> tuple[str, ...]:
    return tuple(line.labels.get(key, "") for key in _KEYS)


def figure(lines: Sequence[Line], window: Window) -> Figure | None:
    lengths = [line for line in lines if line.metric == "listener_accept_queue_length" and len(line.values)]
    if not lengths:
        return None
    limits = {_key(line): line for line in lines if line.metric == "listener_accept_queue_limit"}
    fullest = sorted(lengths, key=lambda line: -line.values.max())[:_SHOWN]
    traces = []
    for number, line in enumerate(fullest, 1):
        name = f"{line.labels.get('listener', '')} {line.labels.get('service', '')}".strip()
        traces.append(trace(line, name, f"series-{number}"))
        # A limit far above the queue would flatten what matters.
        bound = limits.get(_key(line))
        if bound is not None and len(bound.values) and line.values.max() > bound.values.max() / 4:
            traces.append({**limit(bound, f"limit of {name}", f"series-{number}"), "showlegend": False})
    return {"data": traces, "layout": layout(window)}
