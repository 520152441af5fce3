"""`/findings/{id}/around`."""

from __future__ import annotations

import pytest

from tests.diagnose.reports.around.conftest import finding, put  # noqa: F401
from tests.diagnose.reports.around.test_beginnings import step

pytestmark = pytest.mark.django_db


def test_what_began_with_it_comes_with_levels_and_moments(ask, finding, put) -> None:  # noqa: F811
    put("python_gil_held_ratio", step(0.2, 0.95), service="shop", pid="7")
    found = ask(f"/findings/{finding.pk}/around")
    kinds = {each["kind"]: each for each in found["beginnings"]}
    assert set(kinds) == {"reading", "finding"}
    assert kinds["reading"]["before"] == pytest.approx(0.2, abs=0.05)
    assert kinds["finding"]["id"] == finding.pk
    assert (found["grown"], found["explained"]) == ([], [])


def test_a_finding_that_does_not_exist_is_a_404(ask, db) -> None:
    ask("/findings/nothing/around", status=404)
