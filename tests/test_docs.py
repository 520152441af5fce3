"""What exists is documented, and what is documented exists: settings, probes, rules, tasks, commands, files."""

from __future__ import annotations

import ast
import re
from pathlib import Path

import pytest

from collectors.capture import kinds
from collectors.probes import ALL
from diagnose.config import SETTINGS
from diagnose.correlate.catalogue import all_rules

ROOT = Path(__file__).resolve().parents[1]
README = (ROOT / "README.md").read_text()
PYTHON_FILES = sorted(
    path
    for folder in ("diagnose", "collectors")
    for path in (ROOT / folder).rglob("*.py")
    if "migrations" not in path.parts and "build" not in path.parts
)


@pytest.mark.parametrize("setting", SETTINGS, ids=lambda setting: setting.name)
def test_each_setting_has_its_line_in_the_readme(setting):
    default = f"`{setting.default}`" if setting.default else "empty"
    assert f"| `{setting.name}` | {default} | {setting.help} |\n" in README


def test_the_readme_has_no_setting_that_does_not_exist():
    table = README.partition("## Settings")[2].partition("### Ports")[0]
    assert set(re.findall(r"^\| `([A-Z_]+)`", table, re.MULTILINE)) == {setting.name for setting in SETTINGS}


@pytest.mark.parametrize("rule", all_rules(), ids=lambda rule: rule.id)
def test_each_rule_has_its_line_in_the_readme(rule):
    assert f"| `{rule.id}` | {rule.title} |\n" in README


@pytest.mark.parametrize("probe", ALL, ids=lambda probe: probe.NAME)
def test_each_probe_is_described_in_the_collectors_readme(probe):
    assert f"`{probe.NAME}`" in (ROOT / "collectors" / "README.md").read_text()


@pytest.mark.parametrize("kind", kinds.ALL, ids=lambda kind: kind.name)
def test_each_kind_of_capture_is_described_in_the_collectors_readme(kind):
    assert f"`{kind.name}`" in (ROOT / "collectors" / "README.md").read_text()


@pytest.mark.parametrize("path", PYTHON_FILES, ids=lambda path: str(path.relative_to(ROOT)))
def test_each_module_says_what_it_is_and_stays_readable(path):
    text = path.read_text()
    assert (ast.get_docstring(ast.parse(text)) or "").strip()
    assert len(text.splitlines()) <= 300


def test_every_command_and_task_that_the_documents_name_exists():
    documents = "\n".join(
        (ROOT / name).read_text()
        for name in ("README.md", "CONTRIBUTING.md", "CHANGELOG.md", "collectors/README.md")
    )
    commands = {path.stem for path in (ROOT / "diagnose/management/commands").glob("[a-z]*.py")}
    builtin = {"migrate", "collectstatic", "changepassword"}
    assert set(re.findall(r"manage\.py ([a-z_]+)", documents)) <= commands | builtin
    tasks = set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(), re.MULTILINE))
    assert set(re.findall(r"`(?:sudo )?make ([a-z-]+)`", documents)) <= tasks


@pytest.mark.parametrize("name", ["README.md", "CONTRIBUTING.md", "collectors/README.md"])
def test_every_file_that_a_document_names_exists(name):
    document = ROOT / name
    text = document.read_text()
    links = {link for link in re.findall(r"\]\(([^)#]+)\)", text) if not link.startswith("http")}
    assert [link for link in links if not (document.parent / link).exists()] == []
    folders = r"`((?:collectors|diagnose|tests|templates|static|bench|docker)/[\w/.-]*)`"
    assert [path for path in re.findall(folders, text) if not (ROOT / path).exists()] == []


def test_each_dependency_stands_with_its_reason():
    for project in ("pyproject.toml", "collectors/pyproject.toml"):
        for line in (ROOT / project).read_text().splitlines():
            if re.match(r'^  "[a-z].*[~<>=].*",', line):
                assert "  # " in line, line
