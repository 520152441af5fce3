"""The Notifications pages: channels are added, tested, changed and deleted by admins; secrets are never shown."""

import pytest

from diagnose.models import AlertChannel, AlertDelivery, AuditEntry
from tests.diagnose.alerts.conftest import channel, finding, receiver  # noqa: F401

GIVEN = {
    "name": "on call",
    "setting-url": "https://example.com/hook/T0PSECRET",
    "setting-secret": "SIGNING",
    "least_confidence": "80",
    "least_impact": "5",
    "rules": "network.*",
    "repeat_hours": "4",
    "quiet_from": "22:00",
    "quiet_to": "06:30",
    "tell_resolved": "on",
    "enabled": "on",
}


@pytest.fixture
def admins(as_user, admin, data_dir):
    return as_user(admin)


def test_a_channel_is_added_with_its_secrets_sealed(admins):
    assert admins.post("/notifications/new/webhook", GIVEN).status_code == 302
    found = AlertChannel.objects.get()
    assert (found.least_confidence, found.repeat_hours, str(found.quiet_to)) == (0.8, 4, "06:30:00")
    assert "T0PSECRET" not in str(found.settings)
    for path in ("/notifications", f"/notifications/{found.pk}"):
        shown = admins.get(path).content.decode()
        assert "T0PSECRET" not in shown
        assert "on call" in shown
    assert AuditEntry.objects.filter(action="add channel", subject="on call").exists()


def test_a_secret_that_is_left_empty_stays_as_it_was(admins):
    admins.post("/notifications/new/webhook", GIVEN)
    before = AlertChannel.objects.get()
    admins.post(
        f"/notifications/{before.pk}", {**GIVEN, "setting-url": "", "setting-secret": "", "name": "new"}
    )
    after = AlertChannel.objects.get()
    assert (after.name, after.settings) == ("new", before.settings)


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        ({"name": ""}, "Give it a name"),
        ({"setting-url": ""}, "This is needed"),
        ({"setting-url": "javascript:alert(1)"}, "begins with https://"),
        ({"least_confidence": "300"}, "from 0 to 100"),
        ({"least_confidence": "nan"}, "from 0 to 100"),
        ({"quiet_from": "25:00"}, "such as 22:00"),
        ({"repeat_hours": "3"}, "One of"),
    ],
)
def test_what_cannot_be_saved_is_said_beside_its_field(admins, wrong, said):
    answer = admins.post("/notifications/new/webhook", {**GIVEN, **wrong})
    assert answer.status_code == 422
    assert said in answer.content.decode()
    assert not AlertChannel.objects.exists()


def test_a_test_is_sent_and_said_to_have_arrived(admins, channel, receiver):  # noqa: F811
    made = channel(settings={"url": receiver.url, "secret": "s"})
    shown = admins.post(f"/notifications/{made.pk}/test", follow=True).content.decode()
    assert "A test was sent" in shown
    assert receiver.got[0].json()["test"] is True


def test_a_test_that_does_not_arrive_says_why_and_is_not_tried_again(admins, channel):  # noqa: F811
    made = channel(settings={"url": "http://127.0.0.1:1", "secret": "s"})
    shown = admins.post(f"/notifications/{made.pk}/test", follow=True).content.decode()
    assert "cannot be reached" in shown
    assert AlertDelivery.objects.get().state == "failed"


def test_only_admins_change_channels(as_user, operator, viewer, channel, data_dir):  # noqa: F811
    made = channel(settings={"url": "http://127.0.0.1:1", "secret": "s"})
    for user in (operator, viewer):
        client = as_user(user)
        assert "Add a channel" not in client.get("/notifications").content.decode()
        for path in ("/notifications/new/webhook", f"/notifications/{made.pk}"):
            assert client.get(path).status_code == 403
            assert client.post(path, GIVEN).status_code == 403
        for act in ("test", "delete"):
            assert client.post(f"/notifications/{made.pk}/{act}").status_code == 403
    assert AlertChannel.objects.get().name == made.name


def test_a_deleted_channel_takes_its_log_along(admins, channel, finding):  # noqa: F811
    made = channel(settings={"url": "http://127.0.0.1:1", "secret": "s"})
    admins.post(f"/notifications/{made.pk}/test")
    admins.post(f"/notifications/{made.pk}/delete")
    assert not AlertChannel.objects.exists()
    assert not AlertDelivery.objects.exists()
