"""What the form of a new capture offers first."""

from __future__ import annotations

import pytest

from diagnose.captures import kinds
from diagnose.reports.process_table import ProcessRow
from diagnose.web.capture_form import KindChoice, by_reason, chosen_kind, service_choices

ALL = [KindChoice(kind, "") for kind in kinds.ALL]


def process(runtime: str, pid: int = 812, service: str = "shop") -> ProcessRow:
    return ProcessRow(pid, service, "shop", runtime, 0.5, None, None, None, None)


@pytest.mark.parametrize(
    ("given", "runtime", "kind"),
    [
        ("", "python3.11", "python_cpu"),
        ("", "go", "go_cpu"),
        ("", "native", "native_cpu"),
        ("", "", "python_cpu"),
        ("cpu", "go", "go_cpu"),
        ("cpu", "python3.11", "python_cpu"),
        ("gil", "python3.11", "python_gil"),
        ("offcpu", "go", "offcpu"),
        ("mutex", "go", "go_mutex"),
        ("gil", "native", "python_gil"),
        ("python_native", "python3.11", "python_native"),
        ("nonsense", "native", "native_cpu"),
    ],
)
def test_the_kind_fits_what_was_asked_for_and_what_the_process_is(given: str, runtime: str, kind: str):
    assert chosen_kind(ALL, given, runtime) == kind


def test_a_kind_that_the_host_lacks_is_never_chosen():
    lacking = [
        KindChoice(each.kind, "perf is missing" if each.kind.name == "native_cpu" else "") for each in ALL
    ]
    assert chosen_kind(lacking, "native_cpu", "native") == "offcpu"
    assert chosen_kind([KindChoice(kind, "no") for kind in kinds.ALL], "", "") == ""


def test_each_reason_stands_once_with_the_kinds_it_keeps_away():
    some = [KindChoice(each.kind, "upgrade it" if each.kind.group == "Go" else "") for each in ALL]
    ((why, names),) = by_reason(some)
    assert why == "upgrade it"
    assert names[:2] == ["Go CPU", "Go Heap"]


def test_python_services_come_first_and_count_their_processes():
    rows = [process("native", 1, "nginx"), process("native", 2), process("python3.11", 3), process("", 4, "")]
    assert [(each.name, each.processes, each.runtime) for each in service_choices(rows)] == [
        ("shop", 2, "python3.11"),
        ("nginx", 1, "native"),
    ]
