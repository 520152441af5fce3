"""Rules are found by their place, explain without going round in circles, and are pure."""

import ast
import re
from pathlib import Path

import pytest

from diagnose import correlate
from diagnose.correlate import catalogue

FOLDER = Path(correlate.__file__).parent
# They read the store, the modules of rules, or data files that come with the program.
IMPURE = {"load", "history", "engine", "table", "catalogue", "calibration", "thresholds", "__init__"}
PURE = [path for path in FOLDER.rglob("*.py") if path.stem not in IMPURE]
ALLOWED = {
    "__future__",
    "collections",
    "dataclasses",
    "functools",
    "itertools",
    "math",
    "numpy",
    "pathlib",
    "re",
    "statistics",
    "sys",
    "typing",
}
RULES = catalogue.all_rules()


def test_the_rules_are_those_of_the_files():
    files = [path for path in FOLDER.glob("rules/*/*.py") if path.name != "__init__.py"]
    assert [rule.id for rule in RULES] == sorted(f"{path.parent.name}.{path.stem}" for path in files)


def test_no_rule_explains_itself_by_way_of_others():
    reached = {rule.id: set(rule.explains) for rule in RULES}
    for _ in RULES:
        for symptoms in reached.values():
            symptoms |= {further for symptom in symptoms for further in reached[symptom]}
    assert not [rule for rule, symptoms in reached.items() if rule in symptoms]


@pytest.mark.parametrize("path", PURE, ids=lambda path: str(path.relative_to(FOLDER)))
def test_what_reasons_is_pure(path):
    """No Django, no models, no clock, no files; and rules do not know of each other."""
    tree = ast.parse(path.read_text())
    for node in ast.walk(tree):
        names = [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
        names += [node.module or ""] if isinstance(node, ast.ImportFrom) else []
        for name in names:
            ours = name.startswith("diagnose.correlate.") and not re.search(r"\.(rules|load|engine)\b", name)
            assert ours or name.split(".")[0] in ALLOWED, name
        assert not (isinstance(node, ast.Call) and getattr(node.func, "id", "") == "open")
