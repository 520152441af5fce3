"""Forwarding headers count from the proxies that are named, and from nobody else."""

from ipaddress import ip_network

import pytest

from diagnose.access.proxies import client_of
from diagnose.models import AuditEntry

HEADERS = {"X-Forwarded-For": "6.6.6.6, 203.0.113.9", "X-Forwarded-Proto": "https"}


@pytest.fixture
def seen_address(client, db, valkey):
    def of(peer: str) -> str | None:
        client.post("/sign-in", {"username": "x", "password": "y"}, REMOTE_ADDR=peer, headers=HEADERS)
        return AuditEntry.objects.latest("pk").address

    return of


def test_without_a_trusted_proxy_the_headers_are_nothing(seen_address):
    assert seen_address("10.0.0.1") == "10.0.0.1"


def test_the_address_that_a_trusted_proxy_adds_counts_and_what_stands_before_it_does_not(
    seen_address, settings
):
    settings.TRUSTED_PROXIES = [ip_network("10.0.0.0/8")]
    assert seen_address("10.0.0.1") == "203.0.113.9"
    assert seen_address("192.0.2.1") == "192.0.2.1"


def test_behind_tls_links_say_https(as_admin, admin, settings):
    settings.TRUSTED_PROXIES = [ip_network("127.0.0.1")]
    path = f"/users/{admin.pk}/link"
    assert (
        "https://testserver" in as_admin.post(path, headers={"X-Forwarded-Proto": "https"}).content.decode()
    )
    assert "http://testserver" in as_admin.post(path).content.decode()


@pytest.fixture
def as_admin(client, admin, data_dir):
    client.force_login(admin)
    return client


@pytest.mark.parametrize(
    ("named", "found"),
    [
        (["203.0.113.9"], "203.0.113.9"),
        (["203.0.113.9", "10.1.1.1"], "203.0.113.9"),
        (["203.0.113.9", "nonsense"], "10.0.0.1"),
        (["nonsense", "10.1.1.1"], "10.1.1.1"),
        ([""], "10.0.0.1"),
        (["2001:db8::1"], "2001:db8::1"),
    ],
)
def test_the_last_address_that_is_no_proxy_of_ours_counts(named, found, settings):
    settings.TRUSTED_PROXIES = [ip_network("10.0.0.0/8")]
    assert client_of(named, "10.0.0.1") == found
