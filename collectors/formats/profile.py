"""What a profile of any format becomes: frames and stacks that are written once, and samples with several values."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import NamedTuple


class BadProfile(ValueError):
    """Bytes that are no profile; the message names the field, the value and what would be right."""


class Frame(NamedTuple):
    """One source position, in words; line 0 is unknown, file and module '' are none."""

    name: str
    file: str = ""
    line: int = 0
    module: str = ""


class ValueType(NamedTuple):
    """What a sample's number is: `cpu` in `nanoseconds`, `inuse_space` in `bytes`."""

    type: str
    unit: str


class Sample(NamedTuple):
    """`stack` is a number of `Profile.stacks`; `values` has one number for each of `Profile.value_types`."""

    stack: int
    values: tuple[int, ...]
    thread: str = ""


@dataclass(slots=True)
class Profile:
    """`stacks` hold numbers of `frames`, root first. Times are Unix nanoseconds, 0 when the format has none.

    `period` is what one sample of a sampled `period_type` stands for, 0 when unknown.
    """

    value_types: list[ValueType]
    frames: list[Frame]
    stacks: list[tuple[int, ...]]
    samples: list[Sample]
    time_ns: int = 0
    duration_ns: int = 0
    period: int = 0
    period_type: ValueType = field(default=ValueType("", ""))
    default_type: str = ""
