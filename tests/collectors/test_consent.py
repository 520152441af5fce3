"""What the owner of a host keeps from captures, on real processes."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

from collectors.config import load
from collectors.consent import refusal
from collectors.processes import identity
from collectors.wire import CaptureTarget


@pytest.fixture(scope="module")
def vault():
    """A process of a service named by its environment."""
    environ = {**os.environ, "DIAGNOSE_SERVICE": "vault-of-tests"}
    code = "print('up', flush=True); input()"
    process = subprocess.Popen(
        [sys.executable, "-c", code], env=environ, stdin=subprocess.PIPE, stdout=subprocess.PIPE
    )
    try:
        process.stdout.readline()
        yield process.pid
    finally:
        process.communicate(b"\n")


def asked(target, *denied, **flags):
    flags["stacks.deny"] = list(denied)
    return refusal(load(None, {}, flags, []), target)


def test_without_a_deny_list_everything_may_be_captured(vault):
    assert asked(CaptureTarget(pid=vault)) is None


def test_captures_can_be_switched_off_altogether(vault):
    assert "switched captures off" in asked(CaptureTarget(pid=vault), **{"stacks.on_demand": False})


def test_a_denied_service_is_refused_by_name_and_by_pid(vault):
    for target in (CaptureTarget(service="vault-of-tests"), CaptureTarget(pid=vault)):
        assert "'vault*'" in asked(target, "vault*")


def test_a_denied_process_name_is_refused_by_pid_and_by_its_service(vault):
    name = next(p.name for p in identity.python_processes() if p.pid == vault)
    for target in (CaptureTarget(service="vault-of-tests"), CaptureTarget(pid=vault)):
        assert repr(name) in asked(target, name)


def test_a_cgroup_that_holds_a_denied_process_is_refused(vault):
    assert "'vault*'" in asked(CaptureTarget(cgroup="/"), "vault*")


def test_others_may_still_be_captured(vault):
    assert asked(CaptureTarget(service="shop"), "vault*") is None
    assert asked(CaptureTarget(pid=os.getpid()), "vault*") is None
