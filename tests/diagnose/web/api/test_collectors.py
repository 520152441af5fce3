"""`/collectors`: what the page tells, tokens that let hosts in, credentials that end."""

from __future__ import annotations

import json

import pytest
from django.test import Client

from diagnose.access import tokens
from diagnose.models import Host, ProbeState, Token

pytestmark = pytest.mark.usefixtures("data_dir")
IDENTITY = "00112233445566778899aabbccddeeff"


def enrol(secret: str):
    body = json.dumps({"name": "web-9", "identity": IDENTITY}).encode()
    headers = {"Authorization": f"Bearer {secret}"}
    return Client().generic("POST", "/api/v1/enroll", body, "application/json", headers=headers)


def test_it_lists_collectors_with_what_their_probes_do(ask, host):
    Host.objects.filter(pk=host.pk).update(agent="diagnose-collector/0.0.1")
    for probe, ok, reason in (("cpu", True, ""), ("dns", False, "x: the collector needs CAP_BPF")):
        ProbeState.objects.create(host=host, probe=probe, ok=ok, reason=reason, updated_at=host.enrolled_at)
    answer = ask("/collectors")
    (row,) = answer["results"]
    assert (row["name"], row["version"], row["old"], row["enrolled"]) == (host.name, "0.0.1", True, False)
    assert (row["probes_at_work"], row["probes_lacking"], row["probes_off"]) == (1, 1, 0)
    assert "manage.py vendor_collector" in answer["installable"]
    probes = {each["probe"]: each for each in ask(f"/collectors/{host.pk}")["probes"]}
    assert probes["cpu"]["state"] == "works"
    assert "AmbientCapabilities=CAP_BPF" in probes["dns"]["remedy"]
    ask("/collectors/999", status=404)


def test_a_token_lets_one_host_in_until_its_credential_is_revoked(ask, operator, admin):
    made = ask("/collectors/tokens", body={}, user=operator, status=201)
    assert made["lines"][0] == f"export DIAGNOSE_ENROLL_TOKEN={made['token']}"
    assert not any(made["token"] in line for line in made["lines"][1:])
    enrolled = enrol(made["token"]).json()
    assert tokens.authenticate(enrolled["token"]).host_id == enrolled["host"]
    path = f"/collectors/{enrolled['host']}"
    assert ask(path)["enrolled"]
    ask(f"{path}/revoke", body={}, user=operator, status=403)
    assert ask(f"{path}/revoke", body={}, user=admin) == {"revoked": 1}
    assert ask(f"{path}/revoke", body={}, user=admin) == {"revoked": 0}
    assert not ask(path)["enrolled"]
    refused = Client().post("/api/v1/batches", headers={"Authorization": f"Bearer {enrolled['token']}"})
    assert refused.status_code == 401
    assert "was revoked on" in refused.json()["detail"]


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({"hosts": 0}, "hosts"),
        ({"hosts": "many"}, "hosts"),
        ({"hours": 0}, "hours"),
        ({"hours": 1e9}, "hours"),
        ({"label": "x" * 201}, "label"),
    ],
)
def test_a_token_that_cannot_be_is_refused_by_field(ask, operator, body, field):
    assert field in ask("/collectors/tokens", body=body, user=operator, status=422)["errors"]
    assert not Token.objects.filter(kind=Token.Kind.ENROLL).exists()


def test_a_viewer_makes_no_token(ask):
    ask("/collectors/tokens", body={}, status=403)
