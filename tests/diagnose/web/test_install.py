"""What hosts ask for when they install: the script, the index, the files."""

from __future__ import annotations

import hashlib
import os
import re
import subprocess

import pytest

from tests.shelves import TAG, WHEELS, stock

JSON = "application/vnd.pypi.simple.v1+json"


def body(answer):
    return b"".join(answer.streaming_content) if answer.streaming else answer.content


def script(client, **extra):
    answer = client.get("/install.sh", **extra)
    assert answer.status_code == 200
    assert answer.headers["Content-Type"].startswith("text/x-shellscript")
    return answer.content.decode()


def checked(text):
    ran = subprocess.run(["sh", "-n"], input=text, capture_output=True, text=True, check=False, timeout=10)
    assert (ran.returncode, ran.stderr) == (0, "")
    return text


def test_the_script_is_for_every_shell_and_pins_each_file_by_its_hash(client, data_dir):
    kept = stock()
    text = checked(script(client))
    assert "server=http://testserver" in text
    assert f"KNOWN={TAG}\n" in text
    for file in kept.wheels:
        assert (f"{file.project}=={file.version} --hash=sha256:{file.sha256}" in text) is (
            file.project != "pip"
        )
    assert f"PIP_SHA256={kept.of_project('pip')[0].sha256}" in text


def test_without_wheels_the_script_says_why_and_fails(client, data_dir):
    ran = subprocess.run(
        ["sh"], input=checked(script(client)), capture_output=True, text=True, check=False, timeout=10
    )
    assert ran.returncode == 1
    assert "has not fetched the collector's wheels yet" in ran.stderr


def test_what_the_server_puts_into_the_script_is_no_command(client, data_dir, settings):
    settings.ALLOWED_HOSTS = ["*"]
    (data_dir / "collector-wheels").mkdir()
    (data_dir / "collector-wheels" / "problem").write_text("it's `touch bad` $(touch bad); touch bad")
    ran = subprocess.run(
        ["sh"],
        input=checked(script(client)),
        capture_output=True,
        text=True,
        check=False,
        timeout=10,
        cwd=data_dir,
    )
    assert "it's `touch bad` $(touch bad); touch bad" in ran.stderr
    assert not (data_dir / "bad").exists()


def test_a_script_that_is_cut_short_does_nothing(client, data_dir, tmp_path):
    """Programs of the host stand for all that could be done; none of them is started."""
    stock()
    text = script(client)
    programs = tmp_path / "bin"
    programs.mkdir()
    for name in (
        "id",
        "mktemp",
        "mkdir",
        "readlink",
        "useradd",
        "python3",
        "rm",
        "cat",
        "mv",
        "ln",
        "systemctl",
    ):
        (programs / name).write_text(f"#!/bin/sh\n: >{tmp_path}/started\n")
        (programs / name).chmod(0o755)
    env = {"PATH": str(programs), "DIAGNOSE_ENROLL_TOKEN": "dge_x", "HOME": str(tmp_path)}
    end = text.index('main "$@"')
    for cut in [*range(0, end, len(text) // 40), end]:
        subprocess.run(
            ["/bin/sh"], input=text[:cut], text=True, env=env, capture_output=True, check=False, timeout=10
        )
        assert not (tmp_path / "started").exists(), text[:cut][-200:]
    subprocess.run(["/bin/sh"], input=text, text=True, env=env, capture_output=True, check=False, timeout=10)
    assert (tmp_path / "started").exists()


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        ("--frobnicate", "--frobnicate is not known here"),
        ("--server", "--server needs a value"),
        ("--prefix relative", "give a path that begins with /"),
        ("uninstall --prefix /nowhere", "there is no collector in /nowhere"),
    ],
)
def test_wrong_arguments_are_told_by_name(client, data_dir, arguments, says):
    stock()
    ran = subprocess.run(
        ["sh", "-s", "--", *arguments.split()], input=script(client), text=True, capture_output=True, check=False,
        timeout=20,
    )  # fmt: skip
    assert ran.returncode == 1
    assert says in ran.stderr


@pytest.mark.parametrize(
    ("version", "says"),
    [
        ("cp39", "is Python 3.9.2, and the collector needs 3.11 or newer"),
        ("no glibc", "for systems with glibc"),
        ("cp399-x86_64", "no wheels for cp399-x86_64, only for cp312-x86_64"),
    ],
)
def test_an_interpreter_that_cannot_be_used_is_told(client, data_dir, tmp_path, version, says):
    stock()
    python = tmp_path / "python"
    answer = "too old: 3.9.2" if version == "cp39" else version
    python.write_text(f"#!/bin/sh\necho '{answer}'\n")
    python.chmod(0o755)
    env = {**os.environ, "PYTHON": str(python)}
    ran = subprocess.run(
        ["sh", "-s", "--", "--prefix", str(tmp_path / "p")], input=script(client), text=True, env=env,
        capture_output=True, check=False, timeout=20,
    )  # fmt: skip
    assert ran.returncode == 1
    assert says in ran.stderr
    assert not (tmp_path / "p").exists()


def test_the_index_lists_what_there_is_for_programs_and_for_people(client, data_dir):
    kept = stock()
    listed = client.get("/collector/simple/", headers={"Accept": JSON}).json()
    assert [each["name"] for each in listed["projects"]] == ["diagnose-collector", "msgspec", "pip", "py-spy"]
    for project in kept.projects:
        assert f'href="/collector/simple/{project}/"' in client.get("/collector/simple/").content.decode()
        (file,) = client.get(f"/collector/simple/{project}/", headers={"Accept": JSON}).json()["files"]
        page = client.get(f"/collector/simple/{project}/").content.decode()
        assert re.search(rf'href="{file["url"]}#sha256={file["hashes"]["sha256"]}"', page)
        sent = body(client.get(file["url"]))
        assert hashlib.sha256(sent).hexdigest() == file["hashes"]["sha256"]
        assert len(sent) == file["size"]


@pytest.mark.parametrize(
    "name", ["nothing.whl", "..%2findex.json", "index.json", "lock", "%2e%2e", WHEELS[0] + "x"]
)
def test_what_the_index_does_not_name_is_not_there(client, data_dir, name):
    stock()
    assert client.get(f"/collector/files/{name}").status_code == 404
    assert client.get("/collector/simple/unknown/").status_code == 404
    assert client.post("/collector/simple/").status_code == 405
