"""A few faults and lookalikes through the whole product, as `manage.py faults` runs them for anybody."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator

import pytest

from tests.faults.corpus import all_cases
from tests.faults.results import Result, Results
from tests.faults.score import is_first
from tests.faults.stage import ROOT
from tests.integration.faults.stand import free_port
from tests.integration.product import Product

SMOKE = [case for case in all_cases() if case.smoke]
pytestmark = pytest.mark.root(to="make network namespaces")


@pytest.fixture(scope="module")
def results(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, list[Result]]]:
    """Of each case, by its name. What a machine that is busy with other tests missed gets a second chance."""
    folder = tmp_path_factory.mktemp("faults")
    product = Product(folder / "data", free_port())
    try:
        for _ in range(2):
            found = _played(product, Results(folder))
            missed = [case.name for case in SMOKE if not any(map(_right, found.get(case.name, [])))]
            if not missed:
                break
        yield found
    finally:
        product.kill_rest()


def _played(product: Product, results: Results) -> dict[str, list[Result]]:
    have = {each.case for each in results.read() if _right(each)}
    names = [case.name for case in SMOKE if case.name not in have]
    argv = [sys.executable, "manage.py", "faults", *names, "--first", "--again", "--jobs", "3"]
    argv += ["--results", str(results.folder)]
    done = subprocess.run(argv, cwd=ROOT, env=product.environ, capture_output=True, text=True, timeout=400)
    assert done.returncode == 0, done.stdout + done.stderr
    found: dict[str, list[Result]] = {}
    for result in results.read():
        found.setdefault(result.case, []).append(result)
    return found


def _right(result: Result) -> bool:
    return is_first(result) if result.truth else not result.findings


@pytest.mark.parametrize("case", SMOKE, ids=lambda case: case.name)
def test_the_cause_comes_first_and_health_has_no_findings(case, results: dict[str, list[Result]]):
    assert any(map(_right, results[case.name])), results[case.name]
