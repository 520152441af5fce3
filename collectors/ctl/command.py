"""What a sub-command is."""

from __future__ import annotations

import argparse
from typing import Protocol

from collectors.ctl.server import Server


class Command(Protocol):
    """A module of `collectors.ctl.commands`. `run` returns the exit status."""

    NAME: str
    HELP: str

    def arguments(self, parser: argparse.ArgumentParser) -> None: ...

    def run(self, server: Server, options: argparse.Namespace) -> int: ...
