"""Which profile a page is about, as its address says: service, host, type, thread, labels, a part of the range."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode

from django.conf import settings
from django.http import QueryDict
from django.urls import reverse
from django.utils.translation import gettext_lazy as _

from diagnose.store.hosts import HostRow
from diagnose.store.profiles import ProfiledService
from diagnose.web.timerange import PRESETS, TimeRange

# What each type counts, in the order in which they are offered.
TYPES = {
    "cpu": (_("CPU"), _("threads that run")),
    "gil": (_("GIL"), _("threads that hold Python's interpreter lock")),
    "wall": (_("Wall clock"), _("all threads, the waiting ones too")),
    "offcpu": (_("Off CPU"), _("where threads wait, and for how long")),
    "alloc_space": (_("Allocated memory"), _("what allocates it")),
    "inuse_space": (_("Memory in use"), _("what holds it")),
    "goroutine": (_("Goroutines"), _("where they all are")),
    "mutex": (_("Mutexes"), _("who holds locks that others wait for")),
    "block": (_("Blocking"), _("where goroutines wait for one another")),
}
_ALWAYS = ("cpu", "gil", "wall")
_LABEL = "label."
_MOST_LABELS = 10
_LONGEST = 500


@dataclass(frozen=True, slots=True)
class Choice:
    """`host` 0 is all hosts; `cells` is a region of the heat map; `threads` puts thread names below the root."""

    service: str
    host: int
    type: str
    threads: bool = False
    thread: str = ""
    labels: tuple[tuple[str, str], ...] = ()
    cells: str = ""

    @property
    def query(self) -> dict[str, str]:
        """The API's parameters, and the page's."""
        given = {
            "service": self.service,
            "type": self.type,
            "host": str(self.host or ""),
            "thread": self.thread,
            "cells": self.cells,
            "threads": "1" if self.threads else "",
            **{f"{_LABEL}{name}": value for name, value in self.labels},
        }
        return {name: text for name, text in given.items() if text}


@dataclass(frozen=True, slots=True)
class Narrowed:
    """One way in which a choice leaves something out; `without` is the page's query without it."""

    name: str
    value: str
    without: str


def narrowed(given: QueryDict, chosen: Choice) -> list[Narrowed]:
    """Thread, labels and the region of the heat map."""
    found = []
    for name, value in chosen.query.items():
        if name in {"thread", "cells"} or name.startswith(_LABEL):
            rest = given.copy()
            rest.pop(name, None)
            found.append(Narrowed(name.removeprefix(_LABEL), value, rest.urlencode()))
    return found


def choose(given: QueryDict, hosts: Iterable[HostRow], stored: list[ProfiledService]) -> Choice:
    """What is asked for; without a service, the one with the most profiles."""
    host = next((each.id for each in hosts if str(each.id) == given.get("host", "")), 0)
    kind = given.get("type", "cpu")
    service = given.get("service", "").strip() or busiest(
        [each for each in stored if host in {0, each.host_id}]
    )
    return Choice(
        service=service[:_LONGEST],
        host=host,
        type=kind if kind in TYPES else "cpu",
        threads=given.get("threads") == "1",
        thread=given.get("thread", "")[:_LONGEST],
        labels=labels_of(given),
        cells=given.get("cells", "")[:_LONGEST],
    )


def labels_of(given: QueryDict, prefix: str = _LABEL) -> tuple[tuple[str, str], ...]:
    """`label.x=y` as ("x", "y")."""
    named = [(name.removeprefix(prefix), given.get(name, "")) for name in given if name.startswith(prefix)]
    return tuple((name, value[:_LONGEST]) for name, value in named if name and value)[:_MOST_LABELS]


def busiest(stored: list[ProfiledService]) -> str:
    return max(stored, key=lambda each: each.profiles).service if stored else ""


def fits(each: ProfiledService, chosen: Choice) -> bool:
    return (each.service, each.type) == (chosen.service, chosen.type) and chosen.host in {0, each.host_id}


def service_names(stored: list[ProfiledService], chosen: Choice) -> list[str]:
    """Those with profiles in the range, and the chosen one in any case."""
    return sorted({each.service for each in stored} | ({chosen.service} if chosen.service else set()))


def context_of(given: QueryDict, span: TimeRange, hosts: list[HostRow], chosen: Choice) -> dict[str, Any]:
    """What the views of a choice have in common in their templates."""
    keep = {name: value for name, value in chosen.query.items() if name != "cells"}
    return {
        "range": span,
        "presets": PRESETS,
        "keep": keep,
        "choice": chosen,
        "narrowed": narrowed(given, chosen),
        "hosts": hosts,
        "title": TYPES[chosen.type][0],
        "meaning": TYPES[chosen.type][1],
        "views_query": f"{urlencode(keep)}&{span.query}",
    }


def offered_types(stored: list[ProfiledService], chosen: Choice) -> list[tuple[str, object, object]]:
    """Those that the service has in the range, Python's own in any case, and the chosen one."""
    there = {each.type for each in stored if each.service == chosen.service} | {*_ALWAYS, chosen.type}
    return [(name, title, meaning) for name, (title, meaning) in TYPES.items() if name in there]


def bounds(span: TimeRange) -> dict[str, str]:
    """The range for the API, fixed, so that all parts of a page are of the same moment."""
    return {"from": f"{span.start_ns / 1e9:.3f}", "to": f"{span.end_ns / 1e9:.3f}"}


def addresses(query: dict[str, str]) -> dict[str, Any]:
    """Where a page's script gets its data, other programs theirs, and a reader the source (SOURCE_URL)."""
    graph = f"/api/v1/profiles/flamegraph?{urlencode(query)}"
    plain = {name: value for name, value in query.items() if name != "threads"}
    whole = {name: value for name, value in plain.items() if name != "cells"}
    return {
        "graph_url": graph,
        "top_url": f"/api/v1/profiles/top?{urlencode({**plain, 'limit': '1000'})}",
        "sandwich_url": f"/api/v1/profiles/sandwich?{urlencode(plain)}",
        "function_url": f"/api/v1/profiles/function?{urlencode(whole)}",
        "breakdown_url": f"/api/v1/profiles/breakdown?{urlencode(whole)}",
        "folded_url": f"{graph}&format=folded",
        "speedscope_url": f"{graph}&format=speedscope",
        "pprof_url": f"{graph}&format=pprof",
        "svg_url": f"{graph}&format=svg",
        "times_url": f"{reverse('profile-heatmap')}?{urlencode(plain)}" if "capture" in query else "",
        "source_patterns": [{"prefix": prefix, "url": url} for prefix, url in settings.CONFIG["SOURCE_URL"]],
    }
