"""What the small commands print and leave behind."""

from __future__ import annotations

import os
import re
import socket
import subprocess
import sys
from datetime import UTC, datetime

import pytest
from django.conf import settings
from django.core.management import CommandError, call_command

from diagnose.access import links, tokens
from diagnose.management import static, this_host
from diagnose.models import AuditEntry, Host, Token
from tests.diagnose.correlate.windows import recorded
from tests.diagnose.findings.stored import store


@pytest.mark.django_db
def test_enroll_prints_a_working_token_and_the_line_for_the_other_host(capsys):
    call_command("enroll", hours=2, label="rack 7")
    printed = capsys.readouterr().out
    secret = re.findall(r"dge_\S+", printed)[0]
    token = tokens.authenticate(secret)
    assert (token.kind, token.label) == (Token.Kind.ENROLL, "rack 7")
    assert f"  export DIAGNOSE_ENROLL_TOKEN={secret}\n  curl -fsSL http://" in printed
    assert printed.count(secret) == 2  # once to keep, once to type: in no command line that others see
    assert "DIAGNOSE_BIND=0.0.0.0" in printed
    assert AuditEntry.objects.get().action == "issue token"


@pytest.mark.django_db
def test_enroll_refuses_a_token_for_ever():
    with pytest.raises(CommandError, match="give 1 to 720"):
        call_command("enroll", hours=10_000)


def test_a_sign_in_link_is_for_the_user_who_was_named(viewer, capsys):
    call_command("sign_in_link", "vera")
    secret = capsys.readouterr().out.strip().rpartition("/")[2]
    assert links.redeem(secret) == viewer
    with pytest.raises(CommandError, match="no active user 'nobody'"):
        call_command("sign_in_link", "nobody")


@pytest.mark.django_db
def test_this_host_is_enrolled_once_and_again_when_its_token_no_longer_works(tmp_path):
    this_host.enrol(tmp_path)
    secret = (tmp_path / "token").read_text()
    assert (tmp_path / "token").stat().st_mode & 0o777 == 0o600
    this_host.enrol(tmp_path)
    assert (tmp_path / "token").read_text() == secret
    tokens.revoke(Token.objects.get())
    this_host.enrol(tmp_path)
    assert (tmp_path / "token").read_text() != secret
    assert Host.objects.count() == 1


def test_static_files_are_collected_once_and_again_when_one_changes(tmp_path, settings):
    source = tmp_path / "static"
    source.mkdir()
    (source / "a.css").write_text("a { color: red }")
    settings.STATICFILES_DIRS = [source]
    settings.STATIC_ROOT = tmp_path / "collected"
    backend = {"BACKEND": "whitenoise.storage.CompressedManifestStaticFilesStorage"}
    settings.STORAGES = {**settings.STORAGES, "staticfiles": backend}
    manifest = tmp_path / "collected" / "staticfiles.json"
    static.collect()
    first = manifest.stat().st_mtime_ns
    static.collect()
    assert manifest.stat().st_mtime_ns == first
    (source / "a.css").write_text("a { color: blue }")
    later = first / 1e9 + 5
    os.utime(source / "a.css", (later, later))
    static.collect()
    assert manifest.stat().st_mtime_ns != first
    assert len(list((tmp_path / "collected").glob("a.*.css"))) == 1


@pytest.mark.django_db
def test_a_new_user_gets_the_role_and_a_link(capsys):
    call_command("add_user", "olga", role="operator")
    user = links.redeem(capsys.readouterr().out.strip().rpartition("/")[2])
    assert (user.username, user.role, user.has_usable_password()) == ("olga", "operator", False)
    assert AuditEntry.objects.get().subject == "olga"


def test_a_name_that_is_taken_or_not_usable_is_refused(viewer):
    for name in ("vera", "two words"):
        with pytest.raises(CommandError, match=f"'{name}' cannot be used"):
            call_command("add_user", name)


@pytest.mark.django_db
def test_diagnose_tells_of_a_host_what_its_last_minutes_were_like(host, data_dir, capsys):
    store(host, recorded("small_backlog"), datetime.now(UTC))
    call_command("diagnose", host=host.name)
    printed = capsys.readouterr().out
    assert printed.startswith(f"{host.name}: ")
    assert "network.accept_queue_overflow" in printed


@pytest.mark.django_db
def test_diagnose_names_the_hosts_there_are_and_the_times_that_can_be_given(host, data_dir):
    with pytest.raises(CommandError, match=f"no host is called 'web-99'; there are: {host.name}"):
        call_command("diagnose", host="web-99")
    with pytest.raises(CommandError, match="from='yesterday'"):
        call_command("diagnose", "--host", host.name, "--from", "yesterday")
    with pytest.raises(CommandError, match="nothing was read"):
        call_command("diagnose", "--host", host.name, "--from=-1m")


@pytest.mark.django_db
def test_diagnose_refuses_what_is_no_bundle(tmp_path, data_dir):
    file = tmp_path / "x.diagnose"
    file.write_bytes(b"no bundle")
    with pytest.raises(CommandError, match="this is no bundle"):
        call_command("diagnose", "--bundle", str(file), "--into-this-store")
    with pytest.raises(CommandError, match="No such file"):
        call_command("diagnose", "--bundle", str(tmp_path / "y"), "--into-this-store")


@pytest.mark.system
def test_a_snapshot_of_this_host_is_diagnosed_without_a_server_and_leaves_nothing(tmp_path):
    environment = {**os.environ, "DATA_DIR": str(tmp_path / "data")}
    file = tmp_path / "here.diagnose"
    for argv in (
        ["-m", "collectors", "snapshot", "--seconds", "12", "--output", str(file)],
        ["manage.py", "diagnose", "--bundle", str(file)],
    ):
        ran = subprocess.run(
            [sys.executable, *argv], cwd=settings.BASE_DIR, env=environment, capture_output=True, text=True
        )
        assert ran.returncode == 0, ran.stderr
    assert "s of readings" in ran.stdout
    assert not (tmp_path / "data").exists() or not list((tmp_path / "data").glob("*.sqlite3"))


def test_up_refuses_a_port_that_an_orphan_listens_on_and_shares(tmp_path):
    with socket.create_server(("127.0.0.1", 0), reuse_port=True) as orphan:
        port = orphan.getsockname()[1]
        environ = {
            **os.environ,
            "DATA_DIR": str(tmp_path / "data"),
            "DIAGNOSE_BIND": "127.0.0.1",
            "DIAGNOSE_PORT": str(port),
            "REDIS_URL": "",
            "DATABASE_URL": "",
        }
        command = [sys.executable, str(settings.BASE_DIR / "manage.py"), "up"]
        ran = subprocess.run(command, env=environ, capture_output=True, text=True, check=False, timeout=60)
    assert ran.returncode == 2
    assert f"port {port} is taken by" in ran.stderr
    assert "set DIAGNOSE_PORT to a free port" in ran.stderr
