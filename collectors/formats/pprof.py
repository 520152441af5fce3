"""pprof: gzipped protocol buffers, as github.com/google/pprof/proto/profile.proto describes them.

Strings are numbered from "" on; a sample points, leaf first, to locations, and a location to one function or, where
the compiler inlined, to several, innermost first.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from itertools import chain, islice

from collectors.formats.inflate import inflated
from collectors.formats.profile import BadProfile, Frame, Profile, Sample, ValueType
from collectors.formats.protobuf import Varints, fields, signed

MOST_BYTES = 32 * 1024 * 1024
MOST_SAMPLES = 500_000
MOST_FRAMES = 4_000_000
_MOST_VALUE_TYPES = 16
_MOST_LINE = 1 << 31
_TYPES = re.compile(r"[(\[]")
# Labels by which samplers name a sample's thread.
_THREAD_LABELS = ("thread", "thread_name", "thread name", "thread_id")

_Strings = Sequence[str]
_Locations = Mapping[int, tuple[int, ...]]


@dataclass(slots=True)
class _Parts:
    """The messages of a profile by what they are; numbers by their field."""

    value_types: list[bytes] = field(default_factory=list)
    samples: list[bytes] = field(default_factory=list)
    mappings: list[bytes] = field(default_factory=list)
    locations: list[bytes] = field(default_factory=list)
    functions: list[bytes] = field(default_factory=list)
    strings: list[bytes] = field(default_factory=list)
    period_types: list[bytes] = field(default_factory=list)
    numbers: dict[int, int] = field(default_factory=dict)


def read(data: bytes, most_bytes: int = MOST_BYTES) -> Profile:
    """Compressed or not. Raises BadProfile that names the field."""
    parts = _parts(inflated(data, most_bytes))
    strings = _strings(parts.strings)
    value_types = [_value_type(body, strings) for body in parts.value_types]
    if not 0 < len(value_types) <= _MOST_VALUE_TYPES:
        raise BadProfile(
            f"sample_type has {len(value_types)} entries; a profile has 1 to {_MOST_VALUE_TYPES}"
        )
    frames: dict[Frame, int] = {}
    locations = _locations(parts, strings, frames)
    stacks, samples = _samples(parts.samples, locations, strings, len(value_types))
    period_types = [_value_type(body, strings) for body in parts.period_types]
    return Profile(
        value_types,
        list(frames),
        stacks,
        samples,
        time_ns=max(0, signed(parts.numbers.get(9, 0))),
        duration_ns=max(0, signed(parts.numbers.get(10, 0))),
        period=max(0, signed(parts.numbers.get(12, 0))),
        period_type=period_types[-1] if period_types else ValueType("", ""),
        default_type=_string(strings, parts.numbers.get(14, 0), "default_sample_type"),
    )


def _parts(data: bytes) -> _Parts:
    parts = _Parts()
    lists = {
        1: parts.value_types,
        2: parts.samples,
        3: parts.mappings,
        4: parts.locations,
        5: parts.functions,
        6: parts.strings,
        11: parts.period_types,
    }
    for number, value in fields(data, "the profile"):
        if isinstance(value, int):
            parts.numbers[number] = value
        elif number in lists:
            lists[number].append(value)
    if len(parts.samples) > MOST_SAMPLES:
        raise BadProfile(
            f"{len(parts.samples)} samples; at most {MOST_SAMPLES} are read: record a shorter time"
        )
    return parts


def _strings(found: Sequence[bytes]) -> list[str]:
    if found and found[0]:
        raise BadProfile(f"string_table[0] is {found[0][:40]!r}, and has to be empty: it is no pprof profile")
    return [text.decode("utf-8", "replace") for text in found]


def _string(strings: _Strings, number: int, what: str) -> str:
    if number < len(strings):
        return strings[number]
    if number == 0:
        return ""
    raise BadProfile(f"{what} is string {number}, and string_table has {len(strings)}")


def _numbers(body: bytes, what: str) -> dict[int, int]:
    """The numbers of a flat message by field."""
    return {number: value for number, value in fields(body, what) if isinstance(value, int)}


def _value_type(body: bytes, strings: _Strings) -> ValueType:
    numbers = _numbers(body, "sample_type")
    return ValueType(
        _string(strings, numbers.get(1, 0), "sample_type.type"),
        _string(strings, numbers.get(2, 0), "sample_type.unit"),
    )


def _locations(parts: _Parts, strings: _Strings, frames: dict[Frame, int]) -> _Locations:
    """Frame numbers of each location, root first. `frames` gets those that are new."""
    functions = _functions(parts.functions, strings)
    modules = _modules(parts.mappings, strings)
    found: dict[int, tuple[int, ...]] = {}
    for body in parts.locations:
        numbers, lines = _split(body)
        mine = [_frame(line, functions) for line in reversed(lines)]
        if not mine:
            mine = [Frame(f"{numbers.get(3, 0):#x}", "", 0, modules.get(numbers.get(2, 0), ""))]
        found[numbers.get(1, 0)] = tuple([frames.setdefault(frame, len(frames)) for frame in mine])
    return found


def _split(location: bytes) -> tuple[dict[int, int], list[bytes]]:
    """Its numbers by field, and its lines, innermost first."""
    numbers: dict[int, int] = {}
    lines: list[bytes] = []
    for number, value in fields(location, "location"):
        if isinstance(value, int):
            numbers[number] = value
        elif number == 4:
            lines.append(value)
    return numbers, lines


def _frame(line: bytes, functions: Mapping[int, Frame]) -> Frame:
    numbers = _numbers(line, "location.line")
    function = functions.get(numbers.get(1, 0))
    if function is None:
        raise BadProfile(
            f"location.line.function_id is {numbers.get(1, 0)}, and the profile has no such function"
        )
    number = numbers.get(2, 0)
    return Frame(function.name, function.file, number if number < _MOST_LINE else 0, function.module)


def _functions(found: Sequence[bytes], strings: _Strings) -> dict[int, Frame]:
    """By id, still without a line."""
    functions: dict[int, Frame] = {}
    for body in found:
        numbers = _numbers(body, "function")
        name = _string(strings, numbers.get(2, 0), "function.name")
        name = name or _string(strings, numbers.get(3, 0), "function.system_name")
        file = _string(strings, numbers.get(4, 0), "function.filename")
        functions[numbers.get(1, 0)] = Frame(name, file, 0, package_of(name))
    return functions


def _modules(found: Sequence[bytes], strings: _Strings) -> dict[int, str]:
    """The file name of each mapping, for addresses that have no symbol."""
    modules: dict[int, str] = {}
    for body in found:
        numbers = _numbers(body, "mapping")
        file = _string(strings, numbers.get(5, 0), "mapping.filename")
        modules[numbers.get(1, 0)] = file.rpartition("/")[2]
    return modules


def package_of(function: str) -> str:
    """Go's package: `net/http` of `net/http.(*conn).serve`; '' for names of another make.

    Receivers and type parameters, which have paths of their own, come behind it.
    """
    folder, slash, rest = _TYPES.split(function, maxsplit=1)[0].rpartition("/")
    package, dot, _ = rest.partition(".")
    return f"{folder}{slash}{package}" if dot and package.isidentifier() else ""


def _samples(
    found: Sequence[bytes], locations: _Locations, strings: _Strings, width: int
) -> tuple[list[tuple[int, ...]], list[Sample]]:
    """Stacks, each once, and the samples that point to them."""
    stacks: dict[tuple[int, ...], int] = {}
    samples: list[Sample] = []
    varints, frames = Varints(), 0
    for body in found:
        where, values, labels = _sample(body, varints)
        if len(values) != width:
            raise BadProfile(f"a sample has {len(values)} values, and sample_type has {width}")
        stack = _stack(where, locations)
        frames += len(stack)
        if frames >= MOST_FRAMES:
            raise BadProfile(f"the samples have more than {MOST_FRAMES} frames: record a shorter time")
        number = stacks.setdefault(stack, len(stacks))
        samples.append(Sample(number, tuple(map(signed, values)), _thread(labels, strings) if labels else ""))
    return list(stacks), samples


def _sample(body: bytes, varints: Varints) -> tuple[list[int], list[int], list[bytes]]:
    """Locations, leaf first, values and labels. Numbers may come packed or one by one."""
    numbers: tuple[list[int], list[int]] = ([], [])
    labels: list[bytes] = []
    for number, value in fields(body, "sample"):
        if number in (1, 2):
            numbers[number - 1].extend([value] if isinstance(value, int) else varints.packed(value, "sample"))
        elif number == 3 and isinstance(value, bytes):
            labels.append(value)
    return *numbers, labels


def _stack(where: Sequence[int], locations: _Locations) -> tuple[int, ...]:
    """Frame numbers, root first; no more than are allowed, for a few bytes may stand for very many inlined frames."""
    try:
        frames = chain.from_iterable(map(locations.__getitem__, reversed(where)))
        return tuple(islice(frames, MOST_FRAMES))
    except KeyError as error:
        raise BadProfile(f"sample.location_id has {error}, and the profile has no such location") from None


def _thread(labels: Sequence[bytes], strings: _Strings) -> str:
    found: dict[str, str] = {}
    for body in labels:
        numbers = _numbers(body, "sample.label")
        text = _string(strings, numbers.get(2, 0), "sample.label.str") or str(numbers.get(3, ""))
        found[_string(strings, numbers.get(1, 0), "sample.label.key")] = text
    return next((found[key] for key in _THREAD_LABELS if key in found), "")
