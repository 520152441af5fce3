"""How a recommendation fits the host it is for. Rules leave it empty; `diagnose.findings.advice` fills it in."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Place:
    """Where a change is made: what runs the service, and whose network settings its sockets have.

    `netns` is empty in the host's own network namespace, `program` where the command line names none that is known.
    """

    service: str = ""
    pid: int | None = None
    netns: str = ""
    program: str = ""
    container: bool = False
    pod: bool = False

    @property
    def unit(self) -> str:
        """The systemd unit, '' where something else started it."""
        return self.service if self.service.endswith(".service") and not self.container else ""


EVERYWHERE = Place()


@dataclass(frozen=True, slots=True)
class Input:
    """A measured reading that the proposed value comes from."""

    metric: str
    text: str
    value: float | None
    unit: str


@dataclass(frozen=True, slots=True)
class Effect:
    """What a change is expected to take away: the deciding reading as it is now, with its 95 % interval, and what it is
    expected to stay under (or over) afterwards."""

    metric: str
    now: float
    low: float
    high: float
    unit: str
    target: float


@dataclass(frozen=True, slots=True)
class Fit:
    """`bound` says which bound of the host cut the value, '' where none did."""

    place: Place = EVERYWHERE
    inputs: tuple[Input, ...] = ()
    bound: str = ""
    effect: Effect | None = None


UNFITTED = Fit()
