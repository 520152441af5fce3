"""Without privileges: what the kernel tells everybody is told, and what it hides is said."""

from __future__ import annotations

import json
import os
import socket
import traceback

import pytest

from collectors.probe import NoData
from collectors.probes import ALL
from collectors.probes.net import owners
from collectors.wire import Points, ProbeStatus
from tests.collectors.probes.recorded import LIVE, host

NOBODY = 65534
pytestmark = pytest.mark.root(to="become somebody else")


def run_all() -> dict[str, dict]:
    owners.of.cache_clear()
    told: dict[str, dict] = {}
    for kind in ALL:
        entry = told[kind.NAME] = {"points": [], "reasons": [], "error": ""}
        probe = kind()
        for _ in range(2):
            try:
                for sample in probe.collect(host(LIVE)):
                    if isinstance(sample, Points):
                        entry["points"].append([sample.metric, sample.labels])
                    if isinstance(sample, ProbeStatus) and not sample.ok:
                        entry["reasons"].append(sample.reason)
            except NoData as error:
                entry["reasons"].append(str(error))
            except Exception:  # noqa: BLE001 - the parent shows it
                entry["error"] = traceback.format_exc()
    return told


@pytest.fixture(scope="module")
def as_nobody() -> dict[str, dict]:
    """What all probes tell in a child that gave its privileges up, while a root process listens."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
        reader, writer = os.pipe()
        pid = os.fork()
        if pid == 0:
            try:
                server.close()
                os.setgroups([])
                os.setgid(NOBODY)
                os.setuid(NOBODY)
                with os.fdopen(writer, "w") as stream:
                    json.dump({"port": port, **run_all()}, stream)
            finally:
                os._exit(0)
        os.close(writer)
        with os.fdopen(reader) as stream:
            text = stream.read()
        os.waitpid(pid, 0)
        return json.loads(text)


@pytest.mark.parametrize("kind", ALL, ids=lambda kind: kind.NAME)
def test_no_probe_fails(as_nobody, kind):
    assert as_nobody[kind.NAME]["error"] == ""


@pytest.mark.parametrize("name", ["cpu", "memory", "softirqs", "softnet", "netstat", "sockstat", "processes"])
def test_what_everybody_may_read_is_told(as_nobody, name):
    assert as_nobody[name]["points"]


def test_another_users_listener_is_told_without_its_owner_and_that_is_said(as_nobody):
    name = f"127.0.0.1:{as_nobody['port']}"
    labels = [labels for _, labels in as_nobody["listeners"]["points"] if labels["listener"] == name]
    assert labels
    assert all(found == {"listener": name} for found in labels)
    assert any("CAP_SYS_PTRACE" in reason for reason in as_nobody["listeners"]["reasons"])


def test_hidden_namespaces_are_said(as_nobody):
    assert as_nobody["namespaces"]["points"] == []
    assert any("run the collector as root" in reason for reason in as_nobody["namespaces"]["reasons"])
