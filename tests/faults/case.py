"""What a case of the corpus says about itself."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from tests.faults.stage import Stage

Knobs = Mapping[str, float]
# A recommendation in the API's form.
Advice = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Case:
    """One fault, or health that looks like one (`truth` is empty then).

    `truth`: rules, any of which as the top finding is right; the first is the one to expect. `play` starts it on the
    stage, which is taken down afterwards, and calls `stage.begin()` where what it set up before was still healthy.
    """

    name: str
    family: str
    story: str
    fix: str
    truth: tuple[str, ...]
    play: Callable[[Stage, Knobs], None]
    # does what the advice says of the program; what it says of the machine is typed as it stands there
    follow: Callable[[Stage, Advice], None] | None = None
    # what is there before the collector starts, such as settings that are read every half minute only
    set_up: Callable[[Stage, Knobs], None] | None = None
    intensities: Mapping[str, Knobs] = field(default_factory=lambda: {"usual": {}})
    lookalike_of: str = ""
    # a second cause beside the first, which costs less: any of these rules is right about it
    also: tuple[str, ...] = ()
    needs: tuple[str, ...] = ()  # programs of the distribution
    # s from the onset; some faults need a while to fill something up
    patience_seconds: float = 45.0
    # no other case may run beside it: it changes something of the whole machine
    alone: bool = False
    smoke: bool = False

    @property
    def benign(self) -> bool:
        return not self.truth
