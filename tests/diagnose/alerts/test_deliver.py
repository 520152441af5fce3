"""Each finding is told once to each channel that wants it, and again later where that failed."""

from datetime import time, timedelta

import pytest

from diagnose.alerts import deliver
from diagnose.models import AlertDelivery, Finding
from tests.diagnose.alerts.conftest import NOW

SECOND, MINUTE, HOUR = timedelta(seconds=1), timedelta(minutes=1), timedelta(hours=1)


@pytest.fixture
def told(receiver, channel):
    channel(settings={"url": receiver.url, "secret": "s"})

    def after(wait: timedelta) -> list[tuple[str, str]]:
        before = len(receiver.got)
        deliver.run(NOW + wait)
        return [
            (alert["status"], alert["headline"])
            for each in receiver.got[before:]
            for alert in each.json()["alerts"]
        ]

    return after


def test_a_finding_is_told_when_it_opens_and_when_it_is_over(told, finding):
    opened = finding()
    assert told(SECOND) == [("firing", opened.headline)]
    assert told(2 * SECOND) == []
    Finding.objects.update(state="resolved", closed_at=NOW + MINUTE)
    assert told(2 * MINUTE) == [("resolved", opened.headline)]
    assert told(3 * MINUTE) == []


def test_what_comes_back_is_told_anew(told, finding):
    opened = finding()
    told(SECOND)
    Finding.objects.update(state="resolved", closed_at=NOW + MINUTE)
    told(2 * MINUTE)
    Finding.objects.update(state="open", closed_at=None, reopened_at=NOW + HOUR)
    assert told(HOUR + SECOND) == [("firing", opened.headline)]


def test_a_symptom_comes_with_its_cause_and_not_by_itself(told, finding, receiver):
    cause = finding()
    symptom = finding(rule="network.connection_resets", headline="clients get resets", explained_by=cause)
    assert told(SECOND) == [("firing", cause.headline)]
    assert receiver.got[0].json()["alerts"][0]["symptoms"] == [symptom.headline]


@pytest.mark.parametrize(
    "wanted",
    [
        {"least_confidence": 0.99},
        {"least_impact": 0.5},
        {"rules": "python.*"},
        {"hosts": "db-*"},
        {"services": "x"},
    ],
)
def test_what_a_channel_does_not_want_is_not_told(receiver, channel, finding, wanted):
    channel(settings={"url": receiver.url, "secret": "s"}, **wanted)
    finding()
    deliver.run(NOW)
    assert receiver.got == []


def test_patterns_take_what_matches_one_of_them(receiver, channel, finding):
    channel(
        settings={"url": receiver.url, "secret": "s"},
        rules="python.*, network.*",
        hosts="web-?",
        services="sh*",
    )
    finding()
    deliver.run(NOW)
    assert len(receiver.got) == 1


def test_what_fails_is_tried_again_ever_less_often_and_then_given_up(told, receiver, finding):
    receiver.answers = [(503, b"busy")]
    finding()
    waited = SECOND
    told(waited)
    row = AlertDelivery.objects.get()
    assert (row.state, row.attempts) == ("waiting", 1)
    assert "answered 503: busy" in row.error
    told(waited + SECOND)
    assert len(receiver.got) == 1
    for step in deliver.RETRIES:
        waited += step
        told(waited)
    row.refresh_from_db()
    assert (row.state, len(receiver.got)) == ("failed", len(deliver.RETRIES) + 1)


def test_what_failed_once_is_told_when_the_other_side_is_back(told, receiver, finding):
    receiver.answers = [(500, b""), (200, b"")]
    opened = finding()
    told(SECOND)
    assert told(15 * SECOND) == [("firing", opened.headline)]
    row = AlertDelivery.objects.get()
    assert (row.state, row.error, row.times_sent) == ("sent", "", 1)


def test_what_is_over_before_it_could_be_told_is_not_told(told, receiver, finding):
    receiver.answers = [(500, b""), (200, b"")]
    finding()
    told(SECOND)
    Finding.objects.update(state="resolved", closed_at=NOW + 5 * SECOND)
    assert told(MINUTE) == []
    assert len(receiver.got) == 1


def test_quiet_hours_put_off_what_opens_until_they_end(receiver, channel, finding):
    channel(settings={"url": receiver.url, "secret": "s"}, quiet_from=time(22), quiet_to=time(9, 30))
    finding()
    deliver.run(NOW)
    assert receiver.got == []
    deliver.run(NOW + timedelta(minutes=30))
    assert len(receiver.got) == 1


def test_what_lasts_is_told_again_as_often_as_a_channel_wants(receiver, channel, finding):
    channel(settings={"url": receiver.url, "secret": "s"}, repeat_hours=4)
    finding()
    for hours in (0, 1, 3, 4, 5, 8):
        deliver.run(NOW + hours * HOUR)
    assert len(receiver.got) == 3


def test_several_findings_are_one_message(told, receiver, finding):
    for number in range(3):
        finding(headline=f"trouble {number}")
    assert len(told(SECOND)) == 3
    assert len(receiver.got) == 1
    assert receiver.got[0].json()["title"] == "trouble 0 (and 2 more)"


def test_one_channel_that_fails_does_not_keep_the_others_waiting(receiver, channel, finding):
    channel(name="a", settings={"url": "http://127.0.0.1:1", "secret": "s"})
    channel(name="b", settings={"url": receiver.url, "secret": "s"})
    finding()
    deliver.run(NOW)
    assert len(receiver.got) == 1
    assert {row.channel.name: row.state for row in AlertDelivery.objects.all()} == {
        "a": "waiting",
        "b": "sent",
    }


def test_a_channel_whose_secret_was_sealed_with_another_key_says_so(told, finding, settings):
    finding()
    settings.SECRET_KEY = "another"
    told(SECOND)
    assert "another SECRET_KEY" in AlertDelivery.objects.get().error
