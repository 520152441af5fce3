"""Advice followed to the letter: which of it, where, and that programs start again with what was proposed."""

import pytest

from tests.faults.case import Case
from tests.faults.follow import followed
from tests.faults.results import Result
from tests.faults.score import is_improved, table
from tests.faults.stage import _without

SYSCTL = {
    "kind": "sysctl",
    "target": "net.ipv4.tcp_syncookies",
    "proposed": "1",
    "renderings": {"shell": "sysctl -w net.ipv4.tcp_syncookies=1"},
}
BACKLOG = {
    "kind": "application_setting",
    "target": "backlog of shop",
    "proposed": "512",
    "renderings": {"shell": "# ask"},
}


class Here:
    def __init__(self):
        self.typed = []

    def call(self, *argv):
        self.typed.append(argv)


class Stage:
    def __init__(self):
        self.here, self.restarted = Here(), []

    def note_pids(self):
        pass


class Api:
    """Undecided at first."""

    def __init__(self):
        self.posted, self.verdicts = [], ["not enough data", "improved"]

    def post(self, path, body):
        self.posted.append(path)

    def get(self, path):
        return {"verification": {"verdict": self.verdicts.pop(0), "reason": "gone"}}


@pytest.fixture(autouse=True)
def no_waiting(monkeypatch):
    monkeypatch.setattr("tests.faults.follow.time.sleep", lambda _: None)


def case(follow=None):
    return Case("a", "b", "story", "fix", ("network.x",), lambda *_: None, follow=follow)


def finding(advice):
    return [{"id": "01", "rule": "network.x", "recommendations": [advice]}]


def test_a_setting_of_the_namespace_is_typed_inside_it_and_the_verdict_awaited():
    stage, api = Stage(), Api()
    advice, proof = followed(case(), stage, api, finding(SYSCTL))
    assert stage.here.typed == [("sh", "-c", "sysctl -w net.ipv4.tcp_syncookies=1")]
    assert api.posted == ["/findings/01/applied"]
    assert (advice, proof) == ("net.ipv4.tcp_syncookies: 1", "improved: gone")


def test_what_is_a_programs_own_the_case_does_with_the_proposed_value():
    stage, done = Stage(), []
    followed(case(lambda _, advice: done.append(advice["proposed"])), stage, Api(), finding(BACKLOG))
    assert done == ["512"]
    assert stage.here.typed == []


@pytest.mark.parametrize("found", [[], [{"id": "01", "rule": "network.x", "recommendations": []}]])
def test_without_advice_nothing_is_followed(found):
    api = Api()
    assert followed(case(), Stage(), api, found) == ("", "")
    assert api.posted == []


def test_what_only_a_person_can_do_is_left():
    assert followed(case(), Stage(), Api(), finding(BACKLOG)) == ("", "")
    inspection = {**BACKLOG, "kind": "inspection"}
    assert followed(case(lambda *_: None), Stage(), Api(), finding(inspection)) == ("", "")


def test_options_go_with_their_values():
    words = ("7001", "--backlog", "8", "--close-first", "--delay", "2")
    assert list(_without(words, ["--backlog"])) == ["7001", "--close-first", "--delay", "2"]
    assert list(_without(words, ["--close-first"])) == ["7001", "--backlog", "8", "--delay", "2"]
    assert list(_without(words, ["--delay"])) == ["7001", "--backlog", "8", "--close-first"]


def test_the_score_counts_those_that_were_followed_only():
    def result(number, proof):
        return Result(
            "a", "b", "usual", number, ("network.x",), 1.0, (), "", 1.0, 0.0, "", advice="x", proof=proof
        )

    results = [result(0, "improved: gone"), result(1, "no effect: still seen"), result(2, "")]
    assert [is_improved(each) for each in results] == [True, False, False]
    assert "removed by the first recommendation, and proved: 50%" in table(results)
