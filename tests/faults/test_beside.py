"""Other monitors on the same runs: their alarms are read by the same labels as our findings."""

from __future__ import annotations

import re
import shutil
import subprocess
from datetime import datetime
from pathlib import Path

import pytest

from diagnose.correlate.catalogue import all_rules
from tests.faults.beside import alarms, pcp
from tests.faults.beside.score import table
from tests.faults.results import Found, Result

RULES = {rule.id for rule in all_rules()}
# Causes that other rules of the catalogue will be about.
GROUPS = {rule.partition(".")[0] for rule in RULES} | {"memory", "disk"}


def result(case, truth, found=(), **beside):
    findings = tuple(Found(rule, 0.9, rank, "", "", 10.0) for rank, rule in enumerate(found, 1))
    return Result(case, "a", "usual", 0, truth, 10.0, findings, "", 60.0, 0.0, "6", beside)


def test_each_alarm_names_a_rule_of_the_catalogue():
    for names in alarms.NAMES.values():
        for rules in names.values():
            assert rules
            assert {rule.partition(".")[0] for rule in rules} <= GROUPS


def test_ours_and_theirs_are_counted_by_the_same_labels():
    overflow = ("network.accept_queue_overflow",)
    lines = table(
        [
            result("a", overflow, overflow, netdata=["1m_tcp_accept_queue_overflows"], pcp=["cpu.util"]),
            result("b", overflow, overflow, netdata=[], pcp=["network.listenoverflows", "cpu.util"]),
            result("c", (), (), netdata=["load_average_1"], pcp=[]),
            result("d", overflow),  # nobody watched it beside us
        ]
    ).splitlines()
    rows = {
        cells[1].strip(): [cell.strip() for cell in cells[2:-1]]
        for line in lines
        if (cells := line.split("|"))
    }
    assert rows["Diagnose"] == ["2", "100 %", "0 %", "0.00", "1", "100 %"]
    assert rows["netdata"] == ["2", "50 %", "50 %", "0.00", "1", "0 %"]
    assert rows["pcp"] == ["2", "50 %", "0 %", "1.00", "1", "100 %"]


def test_runs_that_nobody_else_watched_are_not_compared():
    assert table([result("a", ("network.packet_loss",), ("network.packet_loss",))]) == ""


def test_of_pmie_only_what_began_with_the_fault_counts(tmp_path):
    log = "Wed Nov 25 09:50:18 2026: raised cpu.util\nWed Nov 25 09:50:40 2026: raised network.listenoverflows\n"
    (tmp_path / "pmie.log").write_text(log + "Wed Nov 25 09:50:45 2026: raised cpu.util\n")
    watching = pcp.Pcp.__new__(pcp.Pcp)
    watching._folder = tmp_path
    since = datetime(2026, 11, 25, 9, 50, 30).astimezone().timestamp()
    assert watching.raised(since) == {"network.listenoverflows"}


@pytest.mark.skipif(not shutil.which("pmieconf"), reason="pcp is not installed: .ci/monitors")
def test_each_rule_that_pmieconf_ships_and_that_we_know_is_written_with_its_name(tmp_path: Path):
    rules = tmp_path / "rules"
    subprocess.run(["pmieconf", "-f", str(rules), "rules"], check=True, capture_output=True)
    subprocess.run(["pmieconf", "-f", str(rules), "modify", "global", "user_action", "yes"], check=True)
    text = pcp.named_rules(rules.read_text())
    named = set(re.findall(r'print 1 sec "raised (\S+)"', text))
    assert {"network.listenoverflows", "cpu.util"} <= named
    assert "shell" not in text
    assert set(re.findall(r"^delta = (.*);$", text, re.MULTILINE)) == {pcp.DELTA}
