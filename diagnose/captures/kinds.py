"""The kinds of captures as data, and which of them a host's collector says it can take."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from diagnose.models import Fact, Host

FACT = "capture."
_YES = "yes"


@dataclass(frozen=True, slots=True)
class Kind:
    """`types`: of the profiles it gives, the one to show first ahead; none when it only gives a file.

    `lasts`: it takes as long as was asked for; `rated`: it looks as often as was asked for.
    """

    name: str
    title: str
    meaning: str
    group: str
    types: tuple[str, ...]
    lasts: bool = True
    rated: bool = True

    @property
    def full_title(self) -> str:
        """`Python CPU`; what any program has needs no first word."""
        return self.title if self.group == "Any program" else f"{self.group} {self.title}"


ALL = (
    Kind("python_cpu", "CPU", "lines that run", "Python", ("cpu",)),
    Kind("python_wall", "Wall clock", "where all threads are, the waiting ones too", "Python", ("wall",)),
    Kind("python_gil", "GIL", "lines that hold the interpreter lock", "Python", ("gil",)),
    Kind(
        "python_native",
        "CPU with native frames",
        "lines that run, and C below them; pauses the process for some milliseconds at each sample",
        "Python",
        ("cpu",),
    ),
    Kind(
        "python_dump",
        "Dump",
        "one stack of every thread now, without variables",
        "Python",
        ("wall",),
        lasts=False,
        rated=False,
    ),
    Kind("native_cpu", "CPU of any program", "functions that run, the kernel's too", "Any program", ("cpu",)),
    Kind(
        "offcpu", "Off CPU", "where threads wait, and for how long", "Any program", ("offcpu",), rated=False
    ),
    Kind("go_cpu", "CPU", "functions that run", "Go", ("cpu",), rated=False),
    Kind(
        "go_heap",
        "Heap",
        "what holds memory, and what allocates it",
        "Go",
        ("inuse_space", "alloc_space"),
        lasts=False,
        rated=False,
    ),
    Kind(
        "go_goroutine", "Goroutines", "where they all are now", "Go", ("goroutine",), lasts=False, rated=False
    ),
    Kind("go_mutex", "Mutexes", "who holds locks that others wait for", "Go", ("mutex",), rated=False),
    Kind("go_block", "Blocking", "where goroutines wait for one another", "Go", ("block",), rated=False),
    Kind("go_trace", "Execution trace", "a file to download, for go tool trace", "Go", (), rated=False),
)
# What the first kinds were called, when there was only Python. Collectors take both names.
ALIASES = {"cpu": "python_cpu", "wall": "python_wall", "gil": "python_gil"}
_BY_NAME = {kind.name: kind for kind in ALL}
# Of collectors that are too old to tell what they can.
_ALWAYS = tuple(ALIASES.values())


def named(name: str) -> Kind | None:
    """None for what is no kind."""
    return _BY_NAME.get(ALIASES.get(name, name))


def of(name: str) -> Kind:
    """The kind of a stored capture."""
    return _BY_NAME[name]


def reasons(host: Host) -> dict[str, str]:
    """By kind why the host cannot take it, '' where it can."""
    rows = Fact.objects.filter(host=host, name__startswith=FACT).values_list("name", "value")
    told = {name.removeprefix(FACT): value for name, value in rows}
    return {kind.name: _reason(kind, told, host) for kind in ALL}


def _reason(kind: Kind, told: Mapping[str, str], host: Host) -> str:
    if kind.name in told:
        return "" if told[kind.name] == _YES else told[kind.name]
    if told:
        return (
            f"The collector of {host.name} ({host.agent or 'unknown version'}) has no such kind; upgrade it."
        )
    if kind.name in _ALWAYS:
        return ""
    return f"The collector of {host.name} has not told that it can; it does so a minute after it began."
