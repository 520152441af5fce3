"""What each kind of channel sends, as its service takes it; the services are a receiver here."""

import base64
import hashlib
import hmac
import json
import socket
from datetime import timedelta
from urllib.parse import parse_qs, urlsplit

import pytest
from aiosmtpd.controller import Controller

from diagnose.alerts import channels, deliver
from diagnose.alerts.channels import webhook
from diagnose.alerts.outgoing import Failed, post
from diagnose.models import AlertDelivery, Finding
from tests.diagnose.alerts.conftest import NOW

SETTINGS = {
    "webhook": {"secret": "key"},
    "slack": {},
    "wecom": {},
    "dingtalk": {"secret": "SECkey"},
    "pagerduty": {"routing_key": "route"},
    "alertmanager": {"token": "bearer"},
}
HTTP = sorted(SETTINGS)


@pytest.fixture
def sent(receiver, channel, finding):
    def send(kind: str, **chosen):
        channel(kind, {"url": receiver.url + "/hook?key=1", **SETTINGS[kind]})
        finding(**chosen)
        deliver.run(NOW)
        assert AlertDelivery.objects.get().error == ""
        return receiver.got[0]

    return send


def test_every_kind_is_covered_here():
    assert {kind.NAME for kind in channels.ALL} == {*HTTP, "email"}


@pytest.mark.parametrize("kind", HTTP)
def test_each_names_the_trouble_and_leads_to_the_finding(sent, kind):
    text = json.dumps(sent(kind).json(), ensure_ascii=False)
    assert "shop drops 285 connections/s" in text
    assert f"/findings/{Finding.objects.get().pk}" in text


def test_a_webhook_is_signed_over_its_time_and_body(sent):
    got = sent("webhook")
    stamp, mac = (part.partition("=")[2] for part in got.headers["X-Diagnose-Signature"].split(","))
    expected = hmac.new(b"key", stamp.encode() + b"." + got.body, hashlib.sha256).hexdigest()
    assert (int(stamp), mac) == (int(NOW.timestamp()), expected)
    assert webhook.signature("key", got.body, int(stamp)) == got.headers["X-Diagnose-Signature"]


def test_slack_gets_no_markup_out_of_names(sent):
    got = sent("slack", headline="<!channel> & <http://evil|x>").json()
    assert "<!channel>" not in json.dumps(got)
    assert "&lt;!channel&gt; &amp;" in got["blocks"][0]["text"]["text"]


def test_dingtalk_signs_the_time_in_the_address(sent):
    query = parse_qs(urlsplit(sent("dingtalk").path).query)
    stamp = query["timestamp"][0]
    expected = hmac.new(b"SECkey", f"{stamp}\nSECkey".encode(), hashlib.sha256).digest()
    assert base64.b64decode(query["sign"][0]) == expected
    assert query["key"] == ["1"]


@pytest.mark.parametrize("kind", ["wecom", "dingtalk"])
def test_a_robot_that_answers_200_and_refuses_has_not_taken_it(receiver, channel, finding, kind):
    receiver.answers = [(200, b'{"errcode": 93000, "errmsg": "invalid webhook url"}')]
    channel(kind, {"url": receiver.url, **SETTINGS[kind]})
    finding()
    deliver.run(NOW)
    assert AlertDelivery.objects.get().error == "it was refused: invalid webhook url"


def test_pagerduty_resolves_the_incident_that_it_opened(receiver, channel, finding):
    channel("pagerduty", {"url": receiver.url, **SETTINGS["pagerduty"]})
    finding()
    deliver.run(NOW)
    Finding.objects.update(state="resolved", closed_at=NOW + timedelta(minutes=1))
    deliver.run(NOW + timedelta(minutes=2))
    opened, over = (got.json() for got in receiver.got)
    assert (opened["event_action"], over["event_action"]) == ("trigger", "resolve")
    assert opened["dedup_key"] == over["dedup_key"]
    assert opened["payload"]["severity"] == "critical"
    assert opened["routing_key"] == "route"


def test_alertmanager_is_told_every_minute_what_lasts_and_the_end_of_it(receiver, channel, finding):
    channel("alertmanager", {"url": receiver.url + "/am/", **SETTINGS["alertmanager"]})
    finding()
    for seconds in (0, 30, 60, 120):
        deliver.run(NOW + timedelta(seconds=seconds))
    Finding.objects.update(state="resolved", closed_at=NOW + timedelta(seconds=130))
    deliver.run(NOW + timedelta(seconds=140))
    assert [got.path for got in receiver.got] == ["/am/api/v2/alerts"] * 4
    assert receiver.got[0].headers["Authorization"] == "Bearer bearer"
    ends = [got.json()[0]["endsAt"] for got in receiver.got]
    assert ends[:2] == sorted(ends[:2])
    assert ends[-1] == (NOW + timedelta(seconds=130)).isoformat()
    assert AlertDelivery.objects.filter(kind="opened").get().times_sent == 3


def test_mail_goes_over_smtp(channel, finding):
    class Box:
        mails: list = []

        async def handle_DATA(self, _server, _session, envelope):  # noqa: N802
            self.mails.append((envelope.rcpt_tos, envelope.content.decode()))
            return "250 taken"

    with socket.create_server(("127.0.0.1", 0)) as probe:
        port = probe.getsockname()[1]
    settings = {"to": "a@example.com, b@example.com", "from": "d@example.com", "security": "none"}
    channel("email", {**settings, "host": f"127.0.0.1:{port}"})
    finding(headline="shop\nBcc: x@example.com")
    server = Controller(Box(), hostname="127.0.0.1", port=port)
    server.start()
    try:
        deliver.run(NOW)
    finally:
        server.stop()
    assert AlertDelivery.objects.get().error == ""
    people, text = Box.mails[0]
    assert people == ["a@example.com", "b@example.com"]
    assert "\nBcc: x@example.com" not in text.replace("\r", "").split("\n\n")[0]
    assert "backlog of shop" in text


def test_a_redirect_is_not_followed(receiver):
    receiver.answers = [(302, b"")]
    with pytest.raises(Failed, match="answered 302"):
        post(receiver.url, b"{}", {})
    assert len(receiver.got) == 1


@pytest.mark.parametrize("host", ["169.254.169.254", "[fe80::1]", "0.0.0.0", "[::ffff:169.254.169.254]"])
def test_addresses_that_answer_credentials_are_out_of_reach(host):
    with pytest.raises(Failed, match="no channel may reach"):
        post(f"http://{host}/latest/meta-data", b"{}", {})


def test_no_secret_stands_in_an_error():
    with pytest.raises(Failed) as failed:
        post("http://127.0.0.1:1/services/T000/secret-key", b"{}", {})
    assert "secret-key" not in str(failed.value)
