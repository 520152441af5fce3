"""What a Prometheus scrapes: readable by its own parser, bounded, and only with a token."""

from datetime import UTC, datetime

import pytest
from prometheus_client.parser import text_string_to_metric_families

from diagnose.access import tokens
from diagnose.models import Finding, Host, Token


@pytest.fixture
def scraped(client, viewer, valkey, data_dir):
    secret = tokens.issue(Token.Kind.USER, user=viewer)

    def scrape() -> dict[str, dict[tuple[str, ...], float]]:
        answer = client.get("/metrics", headers={"Authorization": f"Bearer {secret}"})
        assert answer.status_code == 200
        families = text_string_to_metric_families(answer.content.decode())
        return {
            family.name: {
                tuple(value for _, value in sorted(sample.labels.items())): sample.value
                for sample in family.samples
            }
            for family in families
        }

    return scrape


def test_open_findings_stand_there_by_host_service_and_rule(scraped, faulty, host):
    root = faulty("gil_contention")
    found = scraped()
    where = (host.name, "cause", root.rule, root.service)
    assert found["diagnose_finding_confidence_ratio"][where] == pytest.approx(root.confidence)
    assert found["diagnose_finding_impact_ratio"][where] == pytest.approx(root.impact_share)
    assert found["diagnose_open_findings"] == {(host.name,): 1}
    assert {key[1] for key in found["diagnose_finding_impact_ratio"]} == {"cause", "symptom"}
    assert found["diagnose_hosts"][("live",)] == 1
    Finding.objects.update(state="resolved", closed_at=datetime.now(UTC))
    assert scraped()["diagnose_finding_impact_ratio"] == {}


def test_nobody_scrapes_without_a_token(client, db):
    assert client.get("/metrics").status_code == 401


def test_hostile_names_are_labels_like_others(scraped, host):
    name = 'a"b\\c\nd{}'
    Host.objects.filter(pk=host.pk).update(name=name, last_seen_at=datetime.now(UTC))
    assert scraped()["diagnose_host_last_seen_timestamp_seconds"][(name,)] > 0


def test_the_number_of_queries_does_not_depend_on_that_of_hosts(scraped, host, django_assert_max_num_queries):
    now = datetime.now(UTC)
    Host.objects.bulk_create([Host(identity=f"id{n}", name=f"h{n}", last_seen_at=now) for n in range(1000)])
    with django_assert_max_num_queries(10):
        found = scraped()
    assert sum(len(family) for family in found.values()) < 20_000
