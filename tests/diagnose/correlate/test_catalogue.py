"""Rules are found by their place, explain without going round in circles, and are pure."""

import ast
import re
from pathlib import Path

import pytest

from diagnose import correlate
from diagnose.correlate import catalogue

FOLDER = Path(correlate.__file__).parent
PURE = [
    *FOLDER.glob("signals/*.py"),
    *FOLDER.glob("rules/**/*.py"),
    *(
        FOLDER / name
        for name in (
            "samples.py",
            "rule.py",
            "confidence.py",
            "attribution.py",
            "backlog.py",
            "leak.py",
            "contention.py",
            "triage.py",
        )
    ),
    *(FOLDER / name for name in ("interval.py", "words.py")),
]
ALLOWED = {
    "__future__",
    "collections",
    "dataclasses",
    "functools",
    "math",
    "numpy",
    "pathlib",
    "sys",
    "typing",
}
RULES = catalogue.all_rules()


def test_the_rules_are_those_of_the_files():
    assert [rule.id for rule in RULES] == [
        "app.acceptor_stalled",
        "app.hot_function",
        "limits.process_fds",
        "network.accept_queue_overflow",
        "python.gil_contention",
    ]


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
