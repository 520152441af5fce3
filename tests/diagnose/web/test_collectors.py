"""The Collectors page."""

import html
import re
from datetime import UTC, datetime, timedelta

import pytest

from diagnose.access import tokens
from diagnose.models import AuditEntry, Host, IngestGap, ProbeState, QuarantinedBatch, Token
from diagnose.reports.probe_remedies import remedy
from diagnose.web.collectors import is_loopback
from tests.shelves import stock

INVITE = {"hosts": "1", "hours": "24"}


@pytest.fixture
def fleet(db, data_dir, read, host):
    """One that does well, one of an older version that lost and lacks something, one that never sent."""
    now = datetime.now(UTC)
    Host.objects.filter(pk=host.pk).update(agent="diagnose-collector/0.1.0", last_seen_at=now)
    tokens.issue(Token.Kind.HOST, host=host)
    read("collector_cpu_seconds_total", [0.2] * 6, counter=True, part="agent")
    read("collector_cpu_seconds_total", [0.1] * 6, counter=True, part="stacks")
    read("collector_resident_memory_bytes", [40 * 2**20], part="agent")
    read("collector_spool_batches", [2])
    old = Host.objects.create(
        identity="f" * 32, name="db-1", agent="diagnose-collector/0.0.9", clock_skew_seconds=-7.0,
        last_seen_at=now - timedelta(hours=1),
    )  # fmt: skip
    Host.objects.create(identity="e" * 32, name="new-1")
    IngestGap.objects.create(host=old, epoch="a" * 16, first_seq=3, last_seq=5)
    QuarantinedBatch.objects.create(host=old, epoch="a" * 16, seq=9, error="not a batch", payload=b"")
    for probe, ok, reason in (
        ("cpu", True, ""),
        (
            "tcp_rtt",
            False,
            "this user lacks CAP_BPF and CAP_PERFMON: run the collector as root or grant them",
        ),
        (
            "conntrack",
            False,
            "switched off on this host: [probes] conntrack, its variable or its flag says so",
        ),
    ):
        ProbeState.objects.create(host=old, probe=probe, ok=ok, reason=reason, seconds=0.002, updated_at=now)
    return old


def text(answer):
    assert answer.status_code == 200
    return html.unescape(" ".join(re.sub(r"<[^>]+>", " ", answer.content.decode()).split()))


def test_each_collector_has_its_version_delivery_clock_and_cost(seen, fleet):
    page = text(seen.get("/collectors"))
    assert "3 collectors, 2 silent, 1 of an older version than this server's 0.1.0" in page
    assert re.search(r"web-1 0\.1\.0 .* 3\.0 % 40\.0 MiB 2 0 0 –", page)
    assert re.search(r"db-1 revoked 0\.0\.9 old 1 h ago – 7 s behind – – – 3 1 1 of 3", page)
    assert "curl -fsSL http://testserver/install.sh | sudo sh" in page


def test_it_orders_by_any_column(seen, fleet):
    for order, first in (
        ("-cpu", "web-1"),
        ("-lost", "db-1"),
        ("name", "db-1"),
        ("-name", "web-1"),
        ("x", "db-1"),
    ):
        shown = re.findall(
            r'href="/collectors/\d+">([^<]+)<', seen.get(f"/collectors?order={order}").content.decode()
        )
        assert shown[0] == first


def test_one_collector_says_what_each_probe_lacks_and_how_to_get_it(seen, fleet):
    page = text(seen.get(f"/collectors/{fleet.pk}"))
    assert "1 of 3 probes at work, 1 switched off" in page
    assert (
        "To get it: AmbientCapabilities=CAP_BPF CAP_PERFMON (CapabilityBoundingSet too) in its unit" in page
    )
    assert "To get it: remove that setting on the host" in page
    assert "batches 3 to 5 will never come" in page
    assert "not a batch" in page
    assert "older than this server's 0.1.0" in page


def test_the_number_of_queries_does_not_grow_with_the_hosts(seen, fleet, django_assert_max_num_queries):
    with django_assert_max_num_queries(24) as few:
        seen.get("/collectors")
    for number in range(100, 140):
        Host.objects.create(identity=f"{number:032x}", name=f"more-{number}")
    with django_assert_max_num_queries(len(few)):
        seen.get("/collectors")


def test_an_operator_gets_a_token_once_with_the_lines_to_copy(as_user, operator, data_dir):
    stock()
    client = as_user(operator)
    answer = client.post("/collectors/token", INVITE)
    (secret,) = set(re.findall(r"dge_[\w-]+", answer.content.decode()))
    assert answer.headers["Cache-Control"] == "no-store"
    assert f"export DIAGNOSE_ENROLL_TOKEN={secret}\n" in answer.content.decode()
    assert "is not encrypted" in text(answer)
    token = tokens.authenticate(secret)
    assert (token.kind, token.hosts_left) == (Token.Kind.ENROLL, 1)
    assert timedelta(hours=23) < token.expires_at - datetime.now(UTC) <= timedelta(hours=24)
    assert AuditEntry.objects.get(action="issue token").actor == operator.username
    assert secret not in str(AuditEntry.objects.get(action="issue token").detail)
    assert "dge_" not in client.get("/collectors").content.decode()
    assert client.get("/collectors/token").headers["Location"] == "/collectors"


@pytest.mark.parametrize(
    "form", [{}, {"hosts": "7", "hours": "24"}, {"hosts": "1", "hours": "9999"}, {"hosts": "-1"}]
)
def test_what_the_lists_do_not_have_makes_no_token(as_user, operator, data_dir, form):
    answer = as_user(operator).post("/collectors/token", form, follow=True)
    assert "choose from the lists" in text(answer)
    assert not Token.objects.filter(kind=Token.Kind.ENROLL).exists()


def test_a_viewer_makes_no_token_and_revokes_nothing(seen, as_user, operator, fleet, host):
    assert "Make a token" not in seen.get("/collectors").content.decode()
    assert seen.post("/collectors/token", INVITE).status_code == 403
    for client in (seen, as_user(operator)):
        assert client.post(f"/collectors/{host.pk}/revoke").status_code == 403
    assert not Token.objects.filter(kind=Token.Kind.ENROLL).exists()
    assert Token.objects.filter(host=host, revoked_at=None).exists()


def test_an_admin_revokes_a_host_and_the_page_says_so(as_user, admin, fleet, host):
    client = as_user(admin)
    assert "Revoke the credential of web-1" in text(client.get(f"/collectors/{host.pk}"))
    client.get(f"/collectors/{host.pk}/revoke")
    assert Token.objects.filter(host=host, revoked_at=None).exists()
    page = text(client.post(f"/collectors/{host.pk}/revoke", follow=True))
    assert "web-1: Its collector is refused from now on." in page
    assert "Its credential was revoked" in page
    assert not Token.objects.filter(host=host, revoked_at=None).exists()
    assert AuditEntry.objects.get(action="revoke host").subject == "web-1"


def test_before_the_wheels_are_there_it_says_why_and_what_to_do(as_user, operator, data_dir):
    client = as_user(operator)
    assert "run `manage.py vendor_collector` on the server" in text(client.get("/collectors"))
    (data_dir / "collector-wheels").mkdir()
    (data_dir / "collector-wheels" / "problem").write_text("No matching distribution found for <msgspec>")
    answer = client.get("/collectors")
    assert "for &lt;msgspec&gt;" in answer.content.decode()
    assert "Make a token" not in text(answer)


def test_loopback_addresses_are_known():
    assert all(map(is_loopback, ("http://127.0.0.1:8000", "http://[::1]:8000", "http://localhost")))
    assert not any(map(is_loopback, ("http://10.0.0.1:8000", "https://diagnose.example.com")))


@pytest.mark.parametrize(
    ("reason", "words"),
    [
        ("Linux 4.18.0 is too old: eBPF programs without a compiler need 5.17 or newer; /proc", "Linux 5.17 or newer"),
        ("/sys/kernel/btf/vmlinux is missing: built without CONFIG_DEBUG_INFO_BTF", "CONFIG_DEBUG_INFO_BTF"),
        ("it needs CONFIG_PSI (Linux 4.20) and psi=1", "psi=1"),
        ("setns(x) failed: no; the collector needs CAP_SYS_ADMIN to enter namespaces", "CAP_SYS_ADMIN"),
        ("/proc/1/io may not be read by this user: run the collector as root", "run it as root"),
        ("something that nobody has met", ""),
    ],
)  # fmt: skip
def test_a_reason_leads_to_its_remedy(reason, words):
    assert words in remedy(reason)
    assert bool(words) is bool(remedy(reason))
