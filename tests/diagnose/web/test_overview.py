"""The first page."""

from datetime import UTC, datetime, timedelta

from django.utils.html import escape

from diagnose.models import Host


def text(client, path="/"):
    return client.get(path).content.decode()


def test_before_the_first_host_it_tells_what_happens_next(seen, data_dir):
    shown = text(seen)
    assert "Ready for the first host" in shown
    assert "appears here" in shown
    assert 'href="/collectors">Collectors</a> has the two lines to run there' in shown


def test_a_quiet_host_is_said_to_be_quiet(seen, host, data_dir):
    Host.objects.update(last_seen_at=datetime.now(UTC))
    shown = text(seen)
    assert "Nothing is wrong that the rules can see" in shown
    assert "web-1" in shown


def test_a_silent_host_is_not_said_to_be_fine(seen, host, data_dir):
    Host.objects.update(last_seen_at=datetime.now(UTC) - timedelta(hours=1))
    assert "1 host does not report" in " ".join(text(seen).split())


def test_the_worst_root_cause_stands_there_with_its_symptoms_folded(seen, faulty):
    finding = faulty("gil_contention")
    shown = text(seen)
    assert "1 problem on 1 of 1 host" in shown
    assert shown.count('class="panel card') == 1
    assert escape(finding.headline) in shown
    assert "Explains 1 symptom" in shown
