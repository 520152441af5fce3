"""Hosts that cannot: said in words, by the sampler and by each capture."""

from __future__ import annotations

import errno
import os
import time

import pytest

from collectors.capture import kinds
from collectors.capture.failures import CaptureError
from collectors.capture.native import counted, sampled
from collectors.capture.sampler import Settings
from collectors.capture.samplers.native import ContinuousNative
from collectors.ebpf import support
from collectors.wire import CaptureTarget
from tests.collectors.capture.native.watching import captured

KINDS = ("native_cpu", "offcpu")
TOO_OLD = "Linux 5.4 is too old: eBPF programs without a compiler need 5.17 or newer"


@pytest.fixture
def too_old(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(support, "missing", lambda *_: TOO_OLD)


@pytest.fixture
def refusing(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object) -> None:
        raise OSError(errno.EPERM, os.strerror(errno.EPERM))

    monkeypatch.setattr(support, "missing", lambda *_: "")
    for module in (counted, sampled):
        monkeypatch.setattr(module, "load_pack", refuse)


def told(sampler: ContinuousNative) -> str:
    deadline = time.monotonic() + 5
    while True:
        (status,) = sampler.status()
        if not status.ok:
            return status.reason
        assert time.monotonic() < deadline
        time.sleep(0.02)


@pytest.mark.usefixtures("too_old")
@pytest.mark.parametrize("kind", KINDS)
def test_a_kernel_that_is_too_old_is_named_before_and_when_somebody_asks(kind):
    assert kinds.named(kind).missing() == TOO_OLD
    with pytest.raises(CaptureError, match=r"^Linux 5\.4 is too old"):
        captured(kind, CaptureTarget(pid=os.getpid()))


@pytest.mark.usefixtures("refusing")
@pytest.mark.parametrize("kind", KINDS)
def test_a_kernel_that_refuses_is_told_with_the_remedy(kind):
    with pytest.raises(CaptureError, match=r"was refused .* CAP_BPF and CAP_PERFMON"):
        captured(kind, CaptureTarget(pid=os.getpid()))


@pytest.mark.usefixtures("too_old")
def test_the_sampler_says_why_it_sees_nothing_and_stops_at_once():
    sampler = ContinuousNative(Settings())
    sampler.start(lambda _: None)
    try:
        assert told(sampler) == TOO_OLD
    finally:
        began = time.monotonic()
        sampler.stop()
    assert time.monotonic() - began < 1
