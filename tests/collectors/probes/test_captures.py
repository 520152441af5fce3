"""What a host tells of the captures it can take."""

from __future__ import annotations

from collectors.capture import kinds
from collectors.capture.kind import Kind, Request, Result, Watch
from collectors.probes.runtime.captures import Captures
from collectors.wire import Fact
from tests.collectors.probes.recorded import host


def told(probe: Captures) -> dict[str, str]:
    return {fact.name: fact.value for fact in probe.collect(host()) if isinstance(fact, Fact)}


def kind(name: str, missing: str | None) -> Kind:
    def capture(request: Request, _: Watch) -> Result:
        raise AssertionError(f"nobody asked for {request}")

    return Kind(name, "", capture, lambda: missing)


def test_every_kind_of_this_collector_is_told_of_once():
    probe = Captures(allowed=True)
    assert set(told(probe)) == {f"capture.{each.name}" for each in kinds.ALL}
    assert told(probe) == {}


def test_what_can_be_taken_is_a_yes_and_the_rest_says_why(monkeypatch):
    lacking = "perf is not installed"
    monkeypatch.setattr(kinds, "ALL", (kind("python_cpu", None), kind("native_cpu", lacking)))
    probe = Captures(allowed=True)
    assert told(probe) == {"capture.python_cpu": "yes", "capture.native_cpu": lacking}
    monkeypatch.setattr(kinds, "ALL", (kind("python_cpu", None), kind("native_cpu", None)))
    assert told(probe) == {"capture.native_cpu": "yes"}


def test_an_owner_who_switched_captures_off_is_the_reason_for_all():
    assert all("switched captures off" in value for value in told(Captures(allowed=False)).values())
