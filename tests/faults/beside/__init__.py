"""Other monitors that watch the same runs: what their own rules say of a fault, scored by the same labels.

`netdata` and `pcp` start Debian's packages of these names inside the stage, beside the collector, with the rules that
they ship. `alarms` says which of our rules an alarm of theirs names, `score` what that comes to.
"""

from collections.abc import Mapping
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Protocol

from tests.faults.beside.netdata import Netdata
from tests.faults.beside.pcp import Pcp
from tests.faults.stage import Stage


class Monitor(Protocol):
    """Made with the stage and a folder of its own; it watches while its context lasts."""

    def raised(self, since: float) -> set[str]:
        """Alarms that began at that Unix time or later, by their names there."""


class Watching(Monitor, AbstractContextManager["Watching"], Protocol):
    """A monitor that is entered and left."""


class Start(Protocol):
    def __call__(self, stage: Stage, folder: Path) -> Watching: ...


MONITORS: Mapping[str, Start] = {"netdata": Netdata, "pcp": Pcp}
