"""What holds the parts together: readings that rules name are emitted, rules are complete, endpoints are guarded."""

from __future__ import annotations

import importlib
import pkgutil
import re
import time
from collections.abc import Iterator
from pathlib import Path
from typing import get_args

import pytest
from django.urls import URLPattern, URLResolver, get_resolver

from collectors import wire
from collectors.budget import Overhead
from collectors.capture import kinds as collector_kinds
from collectors.capture import samplers
from collectors.probe import Host
from collectors.probes import ALL
from collectors.probes.proc.facts import Facts
from collectors.probes.runtime.golang import GoRuntime
from diagnose.captures import kinds as server_kinds
from diagnose.correlate import signals
from diagnose.correlate.catalogue import SECTIONS, all_rules

TESTS = Path(__file__).resolve().parent
SIGNALS = [
    importlib.import_module(f"{signals.__name__}.{found.name}")
    for found in pkgutil.iter_modules(signals.__path__)
]
DECLARED = [
    *(metric for probe in ALL for metric in probe.METRICS),
    *(metric for sampler in samplers.ALL for metric in sampler.METRICS),
    *GoRuntime.METRICS,
    *Overhead.METRICS,
]


@pytest.mark.parametrize("signal", SIGNALS, ids=lambda module: module.__name__.rpartition(".")[2])
def test_each_reading_of_a_signal_is_one_that_the_collector_makes(signal):
    names = {metric.name for metric in DECLARED}
    assert {*signal.READS, *getattr(signal, "HISTOGRAMS", ())} <= names
    assert set(getattr(signal, "PROFILES", ())) <= set(get_args(wire.ProfileType))


def test_each_fact_that_a_signal_names_is_read_on_this_host():
    here = Host(proc=Path("/proc"), sys=Path("/sys"), now_ns=time.time_ns())
    names = {sample.name for sample in Facts().collect(here) if isinstance(sample, wire.Fact)}
    assert {fact for signal in SIGNALS for fact in getattr(signal, "FACTS", ())} <= names


def test_metrics_follow_the_naming_of_prometheus():
    for metric in DECLARED:
        assert re.fullmatch(r"[a-z][A-Za-z0-9_]*", metric.name), metric.name
        assert metric.help.endswith("."), metric.name
        # Where node_exporter has the metric its name is kept, and these counters of it have no _total.
        kept = metric.name.startswith(("netstat_", "vmstat_"))
        assert kept or not metric.counter or metric.name.endswith("_total"), metric.name


def test_each_kind_of_capture_that_a_collector_takes_is_one_that_the_server_offers():
    assert {kind.name for kind in collector_kinds.ALL} <= {kind.name for kind in server_kinds.ALL}
    assert {kind_type for kind in server_kinds.ALL for kind_type in kind.types} <= set(
        get_args(wire.ProfileType)
    )


@pytest.mark.parametrize("rule", all_rules(), ids=lambda rule: rule.id)
def test_each_rule_has_its_five_sections(rule):
    assert tuple(rule.sections) == SECTIONS
    assert all(len(text) > 40 for text in rule.sections.values())


@pytest.mark.parametrize("rule", all_rules(), ids=lambda rule: rule.id)
def test_each_rule_is_tested_to_fire_to_stay_quiet_and_to_be_unknown(rule):
    group, _, defect = rule.id.partition(".")
    text = (TESTS / "diagnose/correlate/rules" / group / f"test_{defect}.py").read_text()
    names = re.findall(r"^def (test_\w+)", text, re.MULTILINE)
    assert "recorded(" in text
    for what in (r"recorded", r"_no_|_not_|nobody", r"unknown"):
        assert [name for name in names if re.search(what, name)], f"no test named like {what}"


@pytest.mark.parametrize("rule", all_rules(), ids=lambda rule: rule.id)
def test_what_a_rule_explains_is_a_rule(rule):
    assert set(rule.explains) <= {other.id for other in all_rules()} - {rule.id}


def _endpoints(
    patterns: list[URLPattern | URLResolver], prefix: str = ""
) -> Iterator[tuple[str, URLPattern]]:
    for pattern in patterns:
        path = prefix + str(pattern.pattern)
        if isinstance(pattern, URLResolver):
            yield from _endpoints(pattern.url_patterns, path)
        else:
            yield path, pattern


ADDRESSES = dict(_endpoints(get_resolver().url_patterns))
API = {path: pattern for path, pattern in ADDRESSES.items() if path.startswith("api/v1/")}
PAGES = {path: pattern for path, pattern in ADDRESSES.items() if not path.startswith("api/v1/")}
# Where somebody who is not signed in has to get to.
OPEN_PAGES = {"sign-in", "sign-in/<str:secret>", "sign-out"}
# What hosts install the collector with; nothing in it is secret.
OPEN_PAGES |= {
    "install.sh",
    "collector/simple/",
    "collector/simple/<slug:name>/",
    "collector/files/<str:name>",
}
# The secret in the address is the guard: it opens one report until it expires.
OPEN_PAGES |= {"reports/shared/<str:secret>"}
OPEN_ENDPOINTS = {"api/v1/openapi.json"}


@pytest.mark.parametrize("path", API)
def test_each_endpoint_asks_access_who_may(path):
    view = API[path].callback
    guards = [each.access for each in getattr(view, "views", {"": view}).values()]
    open_to_all = [guard for guard in guards if guard["role"] is None and guard["kind"] is None]
    assert not open_to_all or path in OPEN_ENDPOINTS


@pytest.mark.parametrize("path", sorted(set(PAGES) - OPEN_PAGES))
def test_each_page_asks_access_who_may(path):
    assert PAGES[path].callback.access["role"]


@pytest.mark.django_db
def test_each_endpoint_is_described_with_its_methods(client):
    described = client.get("/api/v1/openapi.json").json()["paths"]
    for path, pattern in API.items():
        shown = "/" + re.sub(r"<\w+:(\w+)>", r"{\1}", path.removeprefix("api/v1/"))
        found = {key.removeprefix("/api/v1"): value for key, value in described.items()}
        views = getattr(pattern.callback, "views", None)
        methods = set(views) if views else set(pattern.callback.access["methods"])
        alike = [key for key in found if re.sub(r"{\w+}", "{}", key) == re.sub(r"{\w+}", "{}", shown)]
        assert alike, f"{shown} is not described"
        assert {method.lower() for method in methods} <= set(found[alike[0]]), shown
