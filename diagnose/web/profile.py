"""The Profile page: where a service spends its time, as a flame graph and a table of functions."""

from __future__ import annotations

from dataclasses import dataclass
from urllib.parse import urlencode

from django.http import HttpResponse
from django.shortcuts import render

from diagnose.access.pages import PageRequest, page
from diagnose.access.roles import at_least
from diagnose.captures import kinds
from diagnose.captures import query as captures
from diagnose.models import Capture
from diagnose.models.access import Role
from diagnose.store import hosts as host_store
from diagnose.store import profiles
from diagnose.store.hosts import HostRow
from diagnose.store.profiles import ProfiledService
from diagnose.web import timerange
from diagnose.web.timerange import TimeRange

# What each type counts, in the order in which they are offered.
TYPES = {
    "cpu": ("CPU", "threads that run"),
    "gil": ("GIL", "threads that hold Python's interpreter lock"),
    "wall": ("Wall clock", "all threads, the waiting ones too"),
}
_PROBE = "stacks.python"


@dataclass(frozen=True, slots=True)
class Choice:
    """What the address asks for; `host` 0 is all hosts."""

    service: str
    host: int
    type: str
    threads: bool

    @property
    def query(self) -> dict[str, str]:
        """The API's parameters, and the page's."""
        given = {"service": self.service, "type": self.type, "host": str(self.host or "")}
        return {
            name: text for name, text in {**given, "threads": "1" if self.threads else ""}.items() if text
        }


@page()
def profile(request: PageRequest) -> HttpResponse:
    """`service`, `host`, `type`, `threads` and the range stand in the address; `capture` shows one capture."""
    if request.GET.get("capture"):
        return _of_capture(request, captures.get(request.GET["capture"]))
    span = timerange.of_request(request)
    hosts = host_store.hosts()
    stored = profiles.services((), span.start_ns, span.end_ns)
    chosen = choose(request, hosts, stored)
    found = [each for each in stored if fits(each, chosen)]
    context = {
        "range": span,
        "presets": timerange.PRESETS,
        "keep": chosen.query,
        "choice": chosen,
        "hosts": hosts,
        "services": service_names(stored, chosen),
        "types": [(name, title, meaning) for name, (title, meaning) in TYPES.items()],
        "title": TYPES[chosen.type][0],
        "meaning": TYPES[chosen.type][1],
        "may_capture": at_least(request.actor.role, Role.OPERATOR),
        "capture_query": urlencode(
            {name: value for name, value in chosen.query.items() if name != "threads"}
        ),
        **(
            addresses({**chosen.query, **bounds(span)})
            if found
            else {"nothing": nothing(stored, chosen, hosts)}
        ),
    }
    return render(request, "profile.html", context)


def _of_capture(request: PageRequest, capture: Capture) -> HttpResponse:
    threads = request.GET.get("threads") == "1"
    query = {"capture": capture.id, **({"threads": "1"} if threads else {})}
    context = {
        "capture": capture,
        "threads": threads,
        "meaning": kinds.of(capture.kind).meaning,
        **addresses(query),
    }
    return render(request, "profile.html", context)


def choose(request: PageRequest, hosts: list[HostRow], stored: list[ProfiledService]) -> Choice:
    """What is asked for; without a service, the one with the most profiles."""
    given = request.GET
    host = next((each.id for each in hosts if str(each.id) == given.get("host", "")), 0)
    kind = given.get("type", "cpu")
    service = given.get("service", "").strip() or busiest(
        [each for each in stored if host in {0, each.host_id}]
    )
    return Choice(service, host, kind if kind in TYPES else "cpu", given.get("threads") == "1")


def busiest(stored: list[ProfiledService]) -> str:
    return max(stored, key=lambda each: each.profiles).service if stored else ""


def fits(each: ProfiledService, chosen: Choice) -> bool:
    return (each.service, each.type) == (chosen.service, chosen.type) and chosen.host in {0, each.host_id}


def service_names(stored: list[ProfiledService], chosen: Choice) -> list[str]:
    """Those with profiles in the range, and the chosen one in any case."""
    return sorted({each.service for each in stored} | ({chosen.service} if chosen.service else set()))


def bounds(span: TimeRange) -> dict[str, str]:
    """The range for the API, fixed, so that graph and table are of the same moment."""
    return {"from": f"{span.start_ns / 1e9:.3f}", "to": f"{span.end_ns / 1e9:.3f}"}


def addresses(query: dict[str, str]) -> dict[str, str]:
    """Where the page's script gets its data, and where other programs get theirs."""
    graph = f"/api/v1/profiles/flamegraph?{urlencode(query)}"
    table = {name: value for name, value in query.items() if name != "threads"}
    return {
        "graph_url": graph,
        "top_url": f"/api/v1/profiles/top?{urlencode({**table, 'limit': '200'})}",
        "folded_url": f"{graph}&format=folded",
        "speedscope_url": f"{graph}&format=speedscope",
        "pprof_url": f"{graph}&format=pprof",
    }


def nothing(stored: list[ProfiledService], chosen: Choice, hosts: list[HostRow]) -> dict[str, object]:
    """Why there is no profile, as far as the server knows, and what else there is."""
    of_service = [each for each in stored if each.service == chosen.service]
    return {
        "any_host": bool(hosts),
        "anything": bool(stored),
        "types": sorted({each.type for each in of_service if chosen.host in {0, each.host_id}}),
        "elsewhere": bool(of_service) and all(each.host_id != chosen.host for each in of_service),
        "probes": refusals([host for host in hosts if chosen.host in {0, host.id}]),
    }


def refusals(hosts: list[HostRow]) -> list[tuple[HostRow, str]]:
    """The hosts whose collectors say that they cannot sample stacks, and why; the first ten."""
    found = [
        (host, probe.reason)
        for host in hosts
        if host.failing_probes
        for probe in host_store.probes(host.id)
        if probe.probe == _PROBE and not probe.ok
    ]
    return found[:10]
