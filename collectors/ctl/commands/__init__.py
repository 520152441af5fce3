"""The sub-commands; a new one is a module here and a name below."""

from __future__ import annotations

from typing import cast

from collectors.ctl.command import Command
from collectors.ctl.commands import capture, finding, findings, flamegraph, gate, hosts, report, top

ALL: tuple[Command, ...] = tuple(
    cast("Command", module) for module in (findings, finding, hosts, top, flamegraph, capture, report, gate)
)
