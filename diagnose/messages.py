"""What the pages say, gathered from templates, Python and scripts, for the translations in `locale/`.

In Python, so that neither a test nor an author needs the programs of GNU gettext.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import NamedTuple

from django.utils.translation.template import templatize

from diagnose.config import ROOT

_CALLS = {"gettext", "gettext_lazy", "gettext_noop", "_", "ngettext", "ngettext_lazy"}
# In scripts: gettext("…") or ngettext("…", "…", n), the text in double quotes and on one line.
_IN_SCRIPT = re.compile(
    r'\b(?P<call>n?gettext)\(\s*"(?P<one>(?:[^"\\]|\\.)*)"(?:,\s*"(?P<many>(?:[^"\\]|\\.)*)")?'
)


class Message(NamedTuple):
    """`many` is empty where there is one form only."""

    one: str
    many: str = ""


def of_templates(folder: Path = ROOT / "templates") -> set[Message]:
    """Of every `{% translate %}` and `{% blocktranslate %}` of a text."""
    found: set[Message] = set()
    for path in sorted(folder.rglob("*.html")):
        found |= set(_calls(templatize(path.read_text(), origin=path.name), path))
    return found


def of_python(folder: Path = ROOT / "diagnose") -> set[Message]:
    """Of every call of gettext and its kin with a text."""
    found: set[Message] = set()
    for path in sorted(folder.rglob("*.py")):
        found |= set(_of_tree(ast.parse(path.read_text())))
    return found


def of_scripts(folder: Path = ROOT / "static" / "js") -> set[Message]:
    found: set[Message] = set()
    for path in sorted(folder.rglob("*.js")):
        for call in _IN_SCRIPT.finditer(path.read_text()):
            one, many = (
                ast.literal_eval(f'"{text}"') if text else "" for text in (call["one"], call["many"])
            )
            found.add(Message(one, many if call["call"] == "ngettext" else ""))
    return found


def _calls(source: str, path: Path) -> Iterator[Message]:
    """`templatize` answers with calls of Python between what it blanked out."""
    for call in re.finditer(
        r"\bn?gettext\((?:[^()\"']|u?\"(?:[^\"\\]|\\.)*\"|u?'(?:[^'\\]|\\.)*'|\([^()]*\))*\)", source
    ):
        try:
            yield from _of_tree(ast.parse(call[0].strip(), path.name))
        except SyntaxError as error:
            raise ValueError(f"{path}: {call[0][:80]!r} cannot be read: {error}") from None


def _of_tree(tree: ast.AST) -> Iterator[Message]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Call) and _name(node.func) in _CALLS:
            texts = list(_texts(node.args[:2]))
            if texts:
                yield Message(
                    texts[0], texts[1] if _name(node.func).startswith("n") and len(texts) > 1 else ""
                )


def _name(node: ast.expr) -> str:
    return node.id if isinstance(node, ast.Name) else node.attr if isinstance(node, ast.Attribute) else ""


def _texts(nodes: Iterable[ast.expr]) -> Iterator[str]:
    for node in nodes:
        if not isinstance(node, ast.Constant) or not isinstance(node.value, str):
            return
        yield node.value


def of_choices() -> set[Message]:
    """What templates translate by a variable: the names of what there is a fixed list of."""
    from diagnose.captures import kinds
    from diagnose.correlate.layers import frames as layers
    from diagnose.models import Capture, Change, Finding
    from diagnose.models.access import Role
    from diagnose.reports import host_charts, service_charts, triage
    from diagnose.web import capture_states, findings

    titles = [*host_charts.TITLES.values(), *service_charts.TITLES.values()]
    texts = [
        *triage.WORDS.values(),
        *(text for pair in titles for text in pair),
        *(title for title, _names in (*host_charts.GROUPS.values(), *service_charts.GROUPS.values())),
        *(layer.title for layer in layers.layers()),
        *(text for kind in kinds.ALL for text in (kind.full_title, kind.meaning)),
        *(str(label) for choices in (Change.Kind, Role, Capture.State) for label in choices.labels),
        *Finding.State.values,
        *(title for _value, title in findings.STATES),
        *(words for words, _chip in capture_states.WORDS.values()),
        *(words for _value, words in capture_states.CHOICES),
    ]
    return {Message(text) for text in texts if text}


def everything() -> set[Message]:
    """What Python renders; that of scripts is apart."""
    return of_templates() | of_python() | of_choices()
