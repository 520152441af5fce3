"""`diagnosectl` against a running server: what people read, what programs read, and exit statuses."""

import json
import time

import pytest

from collectors.ctl.__main__ import main
from diagnose.access import tokens
from diagnose.models import Token
from tests.diagnose.web.conftest import as_user, faulty  # noqa: F401

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def ctl(live_server, operator, data_dir, monkeypatch, capsys):
    monkeypatch.setenv("DIAGNOSE_URL", live_server.url)
    monkeypatch.setenv("DIAGNOSE_TOKEN", tokens.issue(Token.Kind.USER, user=operator))

    def run(*arguments: str) -> tuple[int, str, str]:
        status = main(list(arguments))
        said = capsys.readouterr()
        return status, said.out, said.err

    return run


def test_findings_are_listed_worst_first_and_shown_with_what_to_type(ctl, faulty, host):  # noqa: F811
    finding = faulty("small_backlog")
    status, said, _ = ctl("findings")
    assert status == 0
    assert finding.headline in said.splitlines()[1]
    assert ctl("findings", "--fail")[0] == 1
    _, said, _ = ctl("finding", finding.pk)
    advice = finding.detail["recommendations"][0]
    for text in (finding.headline, finding.detail["evidence"][0]["text"], advice["undo"]):
        assert text in said
    assert json.loads(ctl("--json", "finding", finding.pk)[1])["id"] == finding.pk
    assert json.loads(ctl("findings", "--json")[1])[0]["id"] == finding.pk
    assert ctl("hosts")[1].splitlines()[1].split()[1] == host.name


def test_without_findings_it_says_so(ctl, host):
    assert ctl("findings", "--fail")[:2] == (0, "Nothing is wrong, as far as could be checked.\n")


def test_profiles_are_a_tree_and_a_table(ctl, faulty):  # noqa: F811
    service = faulty("gil_contention").service
    _, said, _ = ctl("flamegraph", service)
    tree = said.splitlines()
    assert tree[0].startswith(f"{service} cpu: ")
    assert "█" in tree[1]
    _, said, _ = ctl("top", service, "--limit", "3")
    assert len(said.splitlines()) == 4
    assert ctl("flamegraph", service, "--format", "folded")[0] == 0


def test_a_report_is_made_and_printed(ctl, faulty):  # noqa: F811
    finding = faulty("small_backlog")
    status, said, told = ctl("report", "--from", "1h")
    assert status == 0
    assert finding.headline.replace("_", "\\_") in said
    assert "/reports/" in told


def test_a_gate_passes_when_nothing_changed_and_says_what_it_could_not_judge(ctl, faulty):  # noqa: F811
    service, now = faulty("gil_contention").service, int(time.time())
    window = ("--from", str(now - 300), "--base-from", str(now - 300), "--base-to", str(now + 60))
    status, said, _ = ctl("gate", service, *window)
    assert status == 0
    assert "latency not judged" in said


def test_what_goes_wrong_is_one_line(ctl, monkeypatch, host):
    assert ctl("finding", "none")[2].startswith("diagnosectl: No such finding")
    assert "'nobody' is no host" in ctl("findings", "--host", "nobody")[2]
    span = ("--from", "10m", "--base-from", "30m", "--base-to", "20m")
    assert "at least 100 are needed" in ctl("gate", "shop", *span)[2]
    monkeypatch.setenv("DIAGNOSE_TOKEN", "dgu_wrong")
    assert "is not known here" in ctl("hosts")[2]
    monkeypatch.setenv("DIAGNOSE_TOKEN", "")
    assert "make one on the Account page" in ctl("hosts")[2]
    monkeypatch.setenv("DIAGNOSE_TOKEN", "x")
    status, _, told = ctl("--url", "http://127.0.0.1:1", "hosts")
    assert (status, "cannot be reached" in told) == (1, True)
