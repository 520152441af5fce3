"""A service's name from a command line: the program, or what an interpreter was asked to run.

Only a base name leaves this file, never arguments: they may hold secrets.
"""

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
# Code on the command line is no name: -c in any group of short options (`bash -lc`, `python -Ic`), and its like.
_CODE = re.compile(r"-[A-Za-z]*c|-[pn]*e|-p|--eval|--print")
_CODE_TAKERS = re.compile(r"(?:python|pypy)[\d.]*t?|(?:ba|da|z|k)?sh|node|nodejs|perl|ruby")
_TITLE = re.compile(r"\[?([\w.@/-]+): ")
# What a base name may hold; the rest begins at an argument, a bracket or a quote.
_PLAIN = re.compile(r"[\w.@+-]*")
_MOST_CHARACTERS = 64


def name(words: list[str]) -> str:
    """`['python3', 'shop.py']` → `shop.py`; `['python', '-m', 'celery', …]` → `celery`; '' for no words."""
    return _plain(_name(words))


def _plain(text: str) -> str:
    """At most 64 letters, digits and `_.@+-`, up to the first other character."""
    match = _PLAIN.match(text.strip().lstrip("-"))
    return match[0][:_MOST_CHARACTERS] if match else ""


def _name(words: list[str]) -> str:
    if not words or not words[0]:
        return ""
    title = _TITLE.match(words[0])
    if title:  # a title the process gave itself: "nginx: worker process"
        return os.path.basename(title[1])
    # A single word with blanks is a whole line that a process wrote over its arguments, as Chromium and Redis do.
    first = words[0] if any(words[1:]) else words[0].split(" ", 1)[0]
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
        if _CODE.fullmatch(word) and _CODE_TAKERS.fullmatch(program):
            return ""
        if word.startswith("-m") and len(word) > 2 and program.startswith(("python", "pypy")):
            return word[2:]
        if not word.startswith("-"):
            return _base(program, word, words[at:])
        at += 2 if word in _WITH_VALUE else 1
    return ""


def _base(program: str, word: str, words: list[str]) -> str:
    if program in {"env", "tini", "dumb-init"}:
        return _name(words[1:]) if "=" in word else _name(words)
    if program == "java":
        return word.rpartition(".")[2]
    if _SHELL.fullmatch(program) and word.startswith(("/dev/", "/proc/")):
        return ""
    return os.path.basename(word.rstrip("/"))
