"""All cases, by their modules in `cases`."""

from __future__ import annotations

import importlib
import pkgutil

from tests.faults import cases
from tests.faults.case import Case


def all_cases() -> list[Case]:
    """In the order of their families' names."""
    modules = sorted(each.name for each in pkgutil.iter_modules(cases.__path__))
    found = [importlib.import_module(f"{cases.__name__}.{name}") for name in modules]
    return [case for module in found for case in module.CASES]
