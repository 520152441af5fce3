"""`diagnose-collector` as people meet it."""

from __future__ import annotations

import json
import os
import signal
import stat
import subprocess
import sys
import time
import tomllib
from pathlib import Path

import msgspec
import pytest

import collectors
from collectors.__main__ import main
from collectors.kernel import procfs
from collectors.state import AgentState, ProbeState, write_state
from collectors.wire import Fact, Points, ProbeStatus, Stacks
from tests.collectors.acceptor import Acceptor, json_reply, serving

ROOT = Path(__file__).resolve().parents[2]
ENROLL = "/api/v1/enroll"


@pytest.fixture
def server():
    with serving(Acceptor()) as acceptor:
        acceptor.routes[ENROLL] = lambda _: json_reply(201, {"host": 7, "token": "host-secret"})
        acceptor.routes["/api/v1/commands"] = lambda _: json_reply(200, {"commands": [], "after": ""})
        yield acceptor


@pytest.fixture
def enroll(server, tmp_path, monkeypatch):
    def call(*arguments, token="enrol-secret"):
        monkeypatch.setenv("DIAGNOSE_ENROLL_TOKEN", token)
        return main(["enroll", "--server", server.url, "--state-dir", str(tmp_path / "state"), *arguments])

    return call


def test_the_version_is_the_distributions(capsys):
    project = tomllib.loads((ROOT / "collectors" / "pyproject.toml").read_text())["project"]
    assert collectors.__version__ == project["version"]
    with pytest.raises(SystemExit):
        main(["--version"])
    assert project["version"] in capsys.readouterr().out


def test_enrolling_writes_a_token_only_its_owner_can_read(server, enroll, tmp_path, capsys):
    assert enroll("--name", "web-3") == 0
    token = tmp_path / "state" / "token"
    assert token.read_text() == "host-secret\n"
    assert stat.S_IMODE(token.stat().st_mode) == 0o600
    assert stat.S_IMODE(token.parent.stat().st_mode) == 0o700
    (request,) = server.requests
    assert request.headers["authorization"] == "Bearer enrol-secret"
    sent = json.loads(request.body)
    assert sent["name"] == "web-3"
    assert len(sent["identity"]) == 32
    assert int(sent["identity"], 16)
    assert "host-secret" not in capsys.readouterr().out


def test_enrolling_again_is_the_same_host_and_a_clone_can_be_another(server, enroll):
    for arguments in ([], [], ["--new-identity"], []):
        assert enroll(*arguments) == 0
    first, second, third, fourth = (json.loads(r.body)["identity"] for r in server.requests)
    assert first == second
    assert third not in (first, second)
    assert fourth == third


def test_a_refused_enrolment_says_why(server, enroll, tmp_path, capsys):
    server.script[ENROLL] = [json_reply(401, {"title": "Unknown token", "detail": "This token was revoked."})]
    assert enroll() == 1
    assert "401 This token was revoked." in capsys.readouterr().err
    assert not (tmp_path / "state" / "token").exists()


def test_enrolling_at_something_that_is_not_diagnose_says_so(server, enroll, capsys):
    server.script[ENROLL] = [(201, {}, b"<html>created</html>")]
    assert enroll() == 1
    assert "answered like no Diagnose server" in capsys.readouterr().err


def test_enrolling_without_a_token_or_a_server_names_the_remedy(enroll, tmp_path, capsys):
    assert enroll(token="") == 2
    assert "DIAGNOSE_ENROLL_TOKEN" in capsys.readouterr().err
    assert main(["enroll", "--state-dir", str(tmp_path)]) == 2
    assert "--server" in capsys.readouterr().err


def test_enrolling_while_the_server_is_away_says_where_it_looked(tmp_path, monkeypatch, capsys):
    monkeypatch.setenv("DIAGNOSE_ENROLL_TOKEN", "x")
    assert main(["enroll", "--server", "http://127.0.0.1:9", "--state-dir", str(tmp_path)]) == 1
    assert "http://127.0.0.1:9: connection refused" in capsys.readouterr().err


def test_moving_to_another_server_begins_a_count_of_its_own(server, enroll, tmp_path):
    enroll()
    spool = tmp_path / "state" / "spool"
    spool.mkdir()
    (spool / "epoch").write_text("00000000000000aa 0\n")
    enroll()
    assert (spool / "epoch").exists()
    (tmp_path / "state" / "server").write_text("http://elsewhere:8000\n")
    enroll()
    assert not (spool / "epoch").exists()


@pytest.mark.parametrize(
    ("prepare", "status", "remedy"),
    [
        (lambda state: (state / "token").write_text("x"), 2, "give --server, or enrol first"),
        (lambda state: (state / "server").write_text("http://127.0.0.1:9"), 1, "diagnose-collector enroll"),
        (
            lambda state: (state / "server").write_text("http://x") and (state / "token").write_text("\n"),
            1,
            "enroll",
        ),
    ],
    ids=["no server", "no token", "empty token"],
)
def test_run_without_what_it_needs_names_the_remedy(tmp_path, capsys, prepare, status, remedy):
    prepare(tmp_path)
    assert main(["run", "--state-dir", str(tmp_path)]) == status
    assert remedy in capsys.readouterr().err


def test_an_identity_that_was_edited_is_refused_with_the_remedy(tmp_path, capsys):
    (tmp_path / "token").write_text("x")
    (tmp_path / "identity").write_text("web-3")
    assert main(["run", "--server", "http://127.0.0.1:9", "--state-dir", str(tmp_path)]) == 1
    assert "delete the file and enrol again" in capsys.readouterr().err


def test_a_state_directory_that_cannot_be_made_names_the_remedy(tmp_path, capsys):
    (tmp_path / "file").write_text("")
    state = str(tmp_path / "file" / "state")
    assert main(["run", "--server", "http://127.0.0.1:9", "--state-dir", state]) == 1
    assert "--state-dir" in capsys.readouterr().err


def test_a_wrong_setting_is_one_line_and_status_2(capsys):
    assert main(["run", "--server", "diagnose.example.com"]) == 2
    said = capsys.readouterr().err
    assert said.count("\n") == 1
    assert "--server = 'diagnose.example.com'" in said


def test_status_without_a_collector_says_so(tmp_path, capsys):
    assert main(["status", "--state-dir", str(tmp_path)]) == 1
    assert "no collector has run with this state directory" in capsys.readouterr().err


# What has been read twice: the second batch has it, on a crowded machine the third.
COUNTED = {"cpu_seconds_total", "memory_MemAvailable_bytes", "process_open_fds"}
REPORTED = {"cpu", "processes", "collector"}


def metrics_of(server: Acceptor) -> set[str]:
    return {sample.metric for sample in server.samples() if isinstance(sample, Points)}


def outcomes_of(server: Acceptor) -> dict[str, ProbeStatus]:
    return {sample.probe: sample for sample in server.samples() if isinstance(sample, ProbeStatus)}


def test_enrol_run_and_status_with_the_real_probes(server, enroll, tmp_path, capsys):
    assert enroll("--name", "web-3") == 0
    state = str(tmp_path / "state")
    environ = {**os.environ, "DIAGNOSE_COLLECTOR_STACKS_CONTINUOUS": "0"}
    command = [sys.executable, "-m", "collectors", "run", "--state-dir", state, "--disable", "sockstat"]
    process = subprocess.Popen(command, cwd=ROOT, env=environ, stderr=subprocess.DEVNULL)
    try:
        server.wait_for(lambda: server.arrivals, 10)
        assert procfs.stat("/proc", process.pid).cpu_seconds < 2  # the interpreter's own start included
        server.wait_for(lambda: metrics_of(server) >= COUNTED and outcomes_of(server).keys() >= REPORTED, 25)
        capsys.readouterr()
        assert main(["status", "--state-dir", state]) == 0
        said = capsys.readouterr().out
        assert f"running as pid {process.pid}" in said
        assert "up to batch" in said
        process.send_signal(signal.SIGTERM)
        assert process.wait(15) == 0
    finally:
        if process.poll() is None:
            process.kill()
            process.wait()
    samples = server.samples()
    assert not any(metric.startswith("sockstat") for metric in metrics_of(server))
    assert "kernel.release" in {s.name for s in samples if isinstance(s, Fact)}
    outcomes = outcomes_of(server)
    assert outcomes["cpu"].ok
    assert outcomes["cpu"].bytes > 0
    own = {batch.host for batch in server.batches.values()}
    assert own == {json.loads(server.requests[0].body)["identity"]}


def test_a_capture_of_a_real_process_arrives_as_stacks(server, enroll, tmp_path):
    assert enroll() == 0
    busy = subprocess.Popen([sys.executable, "-c", "def burn():\n while True: sum(range(999))\nburn()"])
    command = {
        "id": "01JTEST",
        "action": "capture",
        "expires_ns": time.time_ns() + 20 * 10**9,
        "target": {"pid": busy.pid},
        "seconds": 1.0,
        "hz": 50,
    }
    server.script["/api/v1/commands"] = [json_reply(200, {"commands": [command], "after": "1-0"})]
    environ = {**os.environ, "DIAGNOSE_COLLECTOR_STACKS_CONTINUOUS": "0"}
    state = str(tmp_path / "state")
    process = subprocess.Popen(
        [sys.executable, "-m", "collectors", "run", "--state-dir", state], cwd=ROOT, env=environ
    )
    try:
        server.wait_for(lambda: any(isinstance(s, Stacks) for s in server.samples()), 20)
    finally:
        for child in (process, busy):
            child.kill()
            child.wait()
    (stacks,) = (s for s in server.samples() if isinstance(s, Stacks))
    assert stacks.capture_id == "01JTEST"
    assert "burn" in stacks.strings
    reported = [json.loads(r.body) for r in server.requests if r.path == "/api/v1/captures/01JTEST/progress"]
    assert {"running"} <= {status["state"] for status in reported}


@pytest.fixture
def written(tmp_path):
    def write(**changes):
        state = AgentState(
            version="0.1.0",
            pid=4711,
            server="https://diagnose.example.com",
            identity="0" * 32,
            started_at=time.time() - 7200,
            written_at=time.time(),
            epoch="a" * 16,
            spool_batches=3,
            spool_bytes=2048,
            dropped_batches=0,
            disk_error="",
            sent_at=time.time(),
            committed_at=time.time() - 5,
            committed_seq=712,
            quarantined=0,
            ship_error="",
            commands_error="",
            cpu_share=0.005,
            rss_bytes=30 * 1024**2,
            slowdown=1.0,
            probes={"pressure": ProbeState(False, "no /proc/pressure", 0.001)},
        )
        write_state(tmp_path, msgspec.structs.replace(state, **changes))
        return ["status", "--state-dir", str(tmp_path)]

    return write


def test_status_tells_what_matters(written, capsys):
    assert main(written()) == 0
    said = capsys.readouterr().out
    for words in (
        "pid 4711 for 2.0 h",
        "batch 712, 5 s ago",
        "3 batches",
        "0.50 %",
        "30.0 MiB",
        "no /proc/pressure",
    ):
        assert words in said


def test_status_of_a_collector_that_stopped_says_since_when(written, capsys):
    assert main(written(written_at=time.time() - 120)) == 1
    assert "not running (last seen 2." in capsys.readouterr().out


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"ship_error": "401: unknown token"}, "sending: 401: unknown token"),
        ({"committed_at": 0.0}, "nothing since the start"),
    ],
    ids=["refused", "nothing committed"],
)
def test_status_exits_with_1_when_data_does_not_arrive(written, capsys, changes, words):
    assert main(written(**changes)) == 1
    assert words in capsys.readouterr().out


def test_status_into_a_pipe_that_reads_one_line_is_quiet(written):
    line = f"{sys.executable} -m collectors {' '.join(written())} | true"
    done = subprocess.run(["bash", "-c", line], cwd=ROOT, capture_output=True, text=True)
    assert done.stderr == ""


def test_status_for_programs_is_json(written, capsys):
    assert main([*written(), "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["committed_seq"] == 712


def test_a_status_file_that_cannot_be_read_says_where(tmp_path, capsys):
    (tmp_path / "status.json").write_text("{")
    assert main(["status", "--state-dir", str(tmp_path)]) == 1
    assert "status.json cannot be read" in capsys.readouterr().err
