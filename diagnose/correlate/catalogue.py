"""Every rule there is, with its documentation: the modules below `rules`, found by their place."""

from __future__ import annotations

import importlib
import inspect
import pkgutil
import re
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cache
from types import ModuleType, NoneType, UnionType
from typing import Any, Union, get_args, get_origin, get_type_hints

from diagnose.correlate import rules
from diagnose.correlate.rule import Unknown, Verdict
from diagnose.correlate.thresholds import Threshold, thresholds

SECTIONS = ("Symptom", "Cause", "Evidence", "Recommendation", "Source")
_SECTION = re.compile(rf"^({'|'.join(SECTIONS)}): ", re.MULTILINE)


# Unknown: the signals were there, but not for the one that had to be judged.
Check = Callable[..., list[Verdict] | Unknown]


@dataclass(frozen=True, slots=True)
class Need:
    """A signal that a rule's check takes; an optional one makes the rule better, not possible."""

    parameter: str
    signal: type[Any]
    optional: bool


@dataclass(frozen=True, slots=True)
class Rule:
    """`title` is the first sentence of the docstring, `sections` the rest by name. `is_objective`: it says that users
    are served badly, which any other rule's finding may be the cause of."""

    id: str
    title: str
    sections: Mapping[str, str]
    explains: tuple[str, ...]
    needs: tuple[Need, ...]
    check: Check
    thresholds: tuple[Threshold, ...] = ()
    is_objective: bool = False

    @property
    def reads(self) -> tuple[str, ...]:
        """The metrics, histograms, facts and kinds of profiles that its signals are made of."""
        modules = [sys.modules[need.signal.__module__] for need in self.needs]
        kinds = ("READS", "HISTOGRAMS", "FACTS")
        named = [name for module in modules for kind in kinds for name in getattr(module, kind, ())]
        sampled = [f"{kind} profiles" for module in modules for kind in getattr(module, "PROFILES", ())]
        return tuple(dict.fromkeys(named + sampled))


@cache
def all_rules() -> tuple[Rule, ...]:
    """In the order of their ids."""
    prefix = f"{rules.__name__}."
    found = pkgutil.walk_packages(rules.__path__, prefix)
    modules = (importlib.import_module(each.name) for each in found if not each.ispkg)
    return tuple(sorted(map(_rule, modules), key=lambda rule: rule.id))


@cache
def objectives() -> frozenset[str]:
    """The ids of those that say that users are served badly."""
    return frozenset(rule.id for rule in all_rules() if rule.is_objective)


def find(rule_id: str) -> Rule | None:
    """The rule of that id."""
    return next((rule for rule in all_rules() if rule.id == rule_id), None)


def _rule(module: ModuleType) -> Rule:
    parts = _SECTION.split(inspect.getdoc(module) or "")
    texts = [" ".join(text.split()) for text in parts]
    return Rule(
        id=module.__name__.removeprefix(f"{rules.__name__}."),
        title=texts[0],
        sections=dict(zip(texts[1::2], texts[2::2], strict=True)),
        explains=module.EXPLAINS,
        needs=_needs(module.check),
        check=module.check,
        thresholds=tuple(thresholds(module)),
        is_objective=getattr(module, "IS_OBJECTIVE", False),
    )


def _needs(check: Check) -> tuple[Need, ...]:
    hints = get_type_hints(check)
    hints.pop("return", None)
    return tuple(_need(name, hint) for name, hint in hints.items())


def _need(name: str, hint: Any) -> Need:
    if get_origin(hint) in (Union, UnionType):
        (signal,) = (each for each in get_args(hint) if each is not NoneType)
        return Need(name, signal, True)
    return Need(name, hint, False)
