"""Functions whose share grew once a finding began."""

from __future__ import annotations

from datetime import datetime
from itertools import count

import numpy as np
import pytest

from diagnose.correlate.samples import Frame, Profile, Samples, Series, Stack
from diagnose.models import Finding
from diagnose.reports.around.grown import grown
from tests.diagnose.findings.stored import store
from tests.diagnose.reports.around.conftest import BEGAN, NOW

SECONDS = 200


@pytest.fixture
def sampled(host, finding):
    """`sampled(until, handle=90, encode=10)`: stacks of three minutes, by how often each function was on top."""

    batches = count(1)

    def put(until: datetime, **counts: int) -> None:
        stacks = tuple(
            Stack("main", (Frame("serve", "shop.py", 1), Frame(name, "shop.py", 9)), number)
            for name, number in counts.items()
        )
        profile = Profile("shop", 7, "gil", 10**7, SECONDS, stacks)
        reading = Series("load1", {}, np.array([10**9], np.int64), np.ones(1))
        samples = Samples("web-1", 0, 10**9, {"load1": (reading,)}, {}, (profile,))
        store(host, samples, until, next(batches))

    return put


def test_a_function_that_took_a_larger_share_since_is_named_with_an_interval(finding, sampled):
    sampled(BEGAN, handle=9000, encode=1000)
    before = grown(finding)
    assert before is None  # nothing was sampled since
    sampled(NOW, handle=4000, encode=6000)
    found = grown(finding)
    (encode,) = found.grown
    assert (encode.name, encode.before, encode.after) == ("encode", pytest.approx(0.1), pytest.approx(0.6))
    assert encode.low < 0.5 < encode.high
    assert encode.high - encode.low < 0.1
    assert found.type == "gil"


def test_what_took_as_much_before_or_hardly_more_is_not(finding, sampled):
    sampled(BEGAN, handle=180, encode=20)
    sampled(NOW, handle=170, encode=30)
    assert grown(finding).grown == ()


def test_a_finding_without_a_service_or_a_beginning_has_none(finding, sampled):
    sampled(BEGAN, handle=180)
    sampled(NOW, encode=180)
    assert grown(finding) is not None
    finding.detail |= {"onset": None}
    assert grown(finding) is None
    finding.refresh_from_db()
    Finding.objects.update(service="")
    finding.refresh_from_db()
    assert grown(finding) is None
