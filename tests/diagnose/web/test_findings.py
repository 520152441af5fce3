"""The list of findings."""

from datetime import UTC, datetime

from django.utils.html import escape

from diagnose.models import Finding


def text(client, path="/findings"):
    return " ".join(client.get(path).content.decode().split())


def test_symptoms_are_folded_under_their_root_cause(seen, faulty):
    finding = faulty("gil_contention")
    shown = text(seen)
    assert "1 root cause, 1 symptom folded under them" in shown
    assert shown.count('class="panel card') == 1
    assert escape(finding.headline) in shown
    assert "app.hot_function" in shown


def test_it_filters_by_state_host_and_service(seen, faulty):
    finding = faulty("small_backlog")
    name = finding.rule
    assert name in text(seen, "/findings?host=web-1&service=service.py")
    assert "No finding fits the filter" in text(seen, "/findings?host=web-2")
    assert "No finding fits the filter" in text(seen, "/findings?service=other")
    assert name not in text(seen, "/findings?state=resolved")
    Finding.objects.update(state="resolved", closed_at=datetime.now(UTC))
    assert name in text(seen, "/findings?state=resolved")
    assert name in text(seen, "/findings?state=all")
    assert name not in text(seen)


def test_an_unknown_state_shows_the_open_ones(seen, faulty):
    assert faulty("small_backlog").rule in text(seen, "/findings?state=nonsense")


def test_nothing_to_show_is_said_in_words_for_each_state(seen, data_dir):
    assert "Nothing is wrong that the rules can see" in text(seen)
    assert "Nothing is muted" in text(seen, "/findings?state=muted")
    assert "No finding yet" in text(seen, "/findings?state=all")


def test_the_number_of_queries_does_not_grow_with_the_findings(seen, faulty, django_assert_max_num_queries):
    finding = faulty("small_backlog")
    with django_assert_max_num_queries(14) as few:
        seen.get("/findings")
    for number in range(30):
        finding.pk, finding.subject_key = f"copy-{number}", f"copy-{number}"
        finding.save(force_insert=True)
    with django_assert_max_num_queries(len(few)):
        assert seen.get("/findings").content.decode().count('class="panel card') == 31
