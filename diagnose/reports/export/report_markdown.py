"""A diagnosis report as Markdown: for a ticket, a wiki, a mail."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from diagnose.reports.diagnosis import words
from diagnose.reports.diagnosis.document import Cause, Document

CONTENT_TYPE = "text/markdown; charset=utf-8"
_SPECIAL = re.compile(r"([\\`*_\[\]<>|#])")
_RENDERINGS = (("shell", "sh"), ("sysctl_d", "ini"), ("systemd", "ini"))


def export(document: Document, link: str = "") -> str:
    """The whole report without its pictures; `link` leads to the one that has them."""
    lines = [f"# Diagnosis report: {_plain(document.title)}", "", *_head(document, link)]
    for number, cause in enumerate(document.causes, 1):
        lines += ["", *_cause(number, cause)]
    for part in (_time(document), _functions(document), _changes(document), _hosts(document)):
        lines += part
    return "\n".join(lines) + "\n"


def _head(document: Document, link: str) -> Iterator[str]:
    for sentence in document.summary:
        yield f"- {_plain(sentence)}"
    yield ""
    yield f"Made {document.made_at:%Y-%m-%d %H:%M} UTC by {_plain(document.made_by)}" + (
        f", <{link}>" if link else "."
    )


def _cause(number: int, cause: Cause) -> Iterator[str]:
    found = cause.finding
    yield f"## {number}. {_plain(found['headline'])}"
    yield ""
    where = found["subject"]["host"] + (
        f", {found['subject']['service']}" if found["subject"].get("service") else ""
    )
    yield (
        f"`{found['rule']}` on {_plain(where)}, {found['state']}, since {found['since']}; "
        f"impact {found['impact']['share']:.0%}, confidence {found['confidence']:.0%}"
    )
    yield ""
    yield _plain(found["impact"]["text"])
    yield ""
    for line in found["evidence"]:
        yield f"- {line['kind']}: {_plain(line['text'])}"
    for each in found["ruled_out"]:
        yield f"- ruled out `{each['rule']}`: {_plain(each['reason'])}"
    for symptom in cause.symptoms:
        yield f"- explains: {_plain(symptom['headline'])}"
    for advice in found["recommendations"]:
        yield from _advice(advice)
    for each in found["will_not_help"]:
        yield f"- will not help: {_plain(each['action'])}: {_plain(each['reason'])}"
    for note in cause.notes:
        yield f"- {note.at:%Y-%m-%d %H:%M} {_plain(note.actor)} {note.kind}: {_plain(note.text)}"


def _advice(advice: dict[str, Any]) -> Iterator[str]:
    change = (
        advice["proposed"] if advice["current"] is None else f"{advice['current']} → {advice['proposed']}"
    )
    yield ""
    yield f"**{_plain(advice['target'])}**: {_plain(change)}"
    for name, language in _RENDERINGS:
        text = advice["renderings"].get(name)
        if text:
            fence = "```" if "```" not in text else "~~~~"
            yield from ("", fence + language, text.rstrip("\n"), fence)
    if advice["undo"]:
        yield f"Undo: {_plain(advice['undo'])}"
    yield ""


def _time(document: Document) -> list[str]:
    if not document.time:
        return []
    lines = ["", "## Where the time went", ""]
    for each in document.time:
        shares = sorted(each.shares.items(), key=lambda share: -share[1])
        text = ", ".join(
            f"{state.replace('_', ' ')} {share:.0%}" for state, share in shares if share >= 0.005
        )
        lines.append(f"- {_plain(each.service)} on {_plain(each.host)}: {text}")
    return lines


def _functions(document: Document) -> list[str]:
    if not document.functions:
        return []
    lines = ["", "## Dearest functions", "", "| service | function | self | total |", "|---|---|---:|---:|"]
    for each in document.functions:
        place = f"{each.name} ({each.file}:{each.line})" if each.file else each.name
        lines.append(
            f"| {_plain(each.service)} | {_plain(place)} | {each.self_share:.1%} | {each.total_share:.1%} |"
        )
    return lines


def _changes(document: Document) -> list[str]:
    if not document.changes:
        return []
    lines = ["", "## What changed", ""]
    for each in document.changes:
        lines.append(
            f"- {each.at:%Y-%m-%d %H:%M:%S} {_plain(each.host)}: {_plain(each.what)} "
            f"{_plain(each.before)} → {_plain(each.after)}"
        )
    return lines


def _hosts(document: Document) -> list[str]:
    lines = ["", "## Hosts, and what could not be checked", ""]
    for each in document.hosts:
        lacking = "; ".join(f"{probe}: {reason}" for probe, reason in each.lacking)
        lines.append(
            f"- {_plain(each.host)}: {_plain(lacking) if lacking else 'all probes that are on gave readings'}"
        )
    return (
        lines if document.hosts else [*lines, f"None is known for {_plain(words.subject(document.scope))}."]
    )


def _plain(text: str) -> str:
    """Names come from hosts: nothing of them is markup, and none spans lines."""
    return _SPECIAL.sub(r"\\\1", " ".join(text.split()))
