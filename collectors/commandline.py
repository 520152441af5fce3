"""A service's name from a command line: the program, or what an interpreter was asked to run."""

# ruff: noqa: PTH119 - words of a command line are no paths of ours
from __future__ import annotations

import os.path
import re

_INTERPRETER = re.compile(
    r"(?:python|pypy|ruby|node|nodejs|perl|php|bash|sh|dash|zsh|ksh)[\d.]*t?|java|tini|dumb-init|env"
)
_SHELL = re.compile(r"(?:ba|da|z|k)?sh")
# Options of the interpreters above whose value is the next word.
_WITH_VALUE = {
    "-W",
    "-X",
    "-I",
    "-r",
    "-e",
    "-cp",
    "-classpath",
    "--class-path",
    "--require",
    "-p",
    "-O",
    "-o",
}
_TITLE = re.compile(r"([\w.@/-]+): ")


def name(words: list[str]) -> str:
    """`['python3', 'shop.py']` → `shop.py`; `['python', '-m', 'celery', …]` → `celery`; '' for no words."""
    if not words or not words[0]:
        return ""
    title = _TITLE.match(words[0])
    if title:  # a title the process gave itself: "nginx: worker process"
        return os.path.basename(title[1])
    first = words[0].split(" ", 1)[0] if len(words) == 1 and not words[0].startswith("/") else words[0]
    program = os.path.basename(first).lstrip("-")
    return (_script(program, words[1:]) or program) if _INTERPRETER.fullmatch(program) else program


def _script(program: str, words: list[str]) -> str:
    at = 0
    while at < len(words):
        word, following = words[at], words[at + 1 : at + 2]
        if word == "-m" and following:
            return following[0]
        if word == "-jar" and following:
            return os.path.basename(following[0])
        if word == "-c":
            return ""
        if not word.startswith("-"):
            return _base(program, word, words[at:])
        at += 2 if word in _WITH_VALUE else 1
    return ""


def _base(program: str, word: str, words: list[str]) -> str:
    if program in {"env", "tini", "dumb-init"}:
        return "" if "=" in word else name(words)
    if program == "java":
        return word.rpartition(".")[2]
    if _SHELL.fullmatch(program) and word.startswith(("/dev/", "/proc/")):
        return ""
    return os.path.basename(word.rstrip("/"))
