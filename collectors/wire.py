"""What a collector says to the server and what the server may ask of it. Nothing else.

Probes give `Sample`s. On the wire a `Batch` has an envelope that can be read without its content, and as content a
zstd frame with a msgpack list of `Item`s: points and stacks, of which there are many, are packed into tables by
`collectors.tables`. Unknown fields are skipped by msgspec; unknown tags are skipped and counted by `decode_items`, so
that an old server takes a new collector.
Absolute times are Unix nanoseconds. Counters travel as increases per interval, resets handled in the agent.
"""

from __future__ import annotations

from typing import Literal

import msgspec

from collectors.columns import StackColumns

VERSION = 1
CONTENT_TYPE = "application/vnd.diagnose.batch+msgpack"

HistogramScheme = Literal["loglin4", "loglin20"]
ProfileType = Literal[
    "cpu", "wall", "gil", "offcpu", "alloc_space", "inuse_space", "goroutine", "mutex", "block"
]
ProfileUnit = Literal["samples", "nanoseconds", "bytes", "count"]
CaptureState = Literal["queued", "sent", "running", "done", "failed", "cancelled", "expired"]


class Points(msgspec.Struct, frozen=True):
    """One series: `values[i]` at `times[i]` (ns). A counter's value is its increase since the reading before."""

    metric: str
    labels: dict[str, str]
    times: list[int]
    values: list[float]
    counter: bool = False


class Series(msgspec.Struct, frozen=True, array_like=True):
    """What a table of points says of each of its series."""

    metric: str
    labels: dict[str, str]
    counter: bool


class PointTable(msgspec.Struct, tag="points", tag_field="kind", frozen=True):
    """Points of many series. `series` is msgpack of a list of `Series`; a server that knows it need not read it.

    `lengths` (packed) says how many of `times` (int64 ns) and `values` (float64) are of each series, in their order.
    """

    series: bytes
    lengths: bytes
    times: bytes
    values: bytes


class Histogram(msgspec.Struct, tag="histogram", tag_field="kind", frozen=True, omit_defaults=True):
    """Counts by log-linear bucket index, sparse, of one interval that ended at `time`."""

    metric: str
    labels: dict[str, str]
    time: int
    scheme: HistogramScheme
    buckets: dict[int, int]
    sum: float
    count: int


class Stacks(msgspec.Struct, frozen=True):
    """Stacks of one service in one interval; the numbers in `columns` name `strings` and one another.

    `period` is the time one unit of value stands for, in nanoseconds (bytes for allocation profiles).
    """

    type: ProfileType
    unit: ProfileUnit
    service: str
    labels: dict[str, str]
    start_ns: int
    end_ns: int
    period: int
    strings: list[str]
    columns: StackColumns
    capture_id: str | None = None


class Profile(msgspec.Struct, frozen=True, omit_defaults=True):
    """One `Stacks` in a table, which holds its `samples` samples behind those of the profiles before it."""

    type: ProfileType
    unit: ProfileUnit
    service: str
    labels: dict[str, str]
    start_ns: int
    end_ns: int
    period: int
    samples: int
    capture_id: str | None = None


class Names(msgspec.Struct, frozen=True):
    """Strings, frames and stacks of a table in packed columns.

    `text` is the UTF-8 of all strings, `text_lengths` their bytes. Names, files and modules of frames are numbers of
    strings; `paths` are numbers of frames, root first, the first `path_lengths[0]` of them stack 0, and so on.
    """

    text: bytes
    text_lengths: bytes
    frame_names: bytes
    frame_files: bytes
    frame_lines: bytes
    frame_modules: bytes
    path_lengths: bytes
    paths: bytes


class ProfileTable(msgspec.Struct, tag="profiles", tag_field="kind", frozen=True, omit_defaults=True):
    """Many profiles that share stacks, each written once. `path_digests` has 8 bytes of `stackdigests` for each stack.

    `names` is a zstd frame that states its size, msgpack of `Names`: a server that has met the stacks need not read it.
    A sample (in packed columns) is a stack in a thread (number in `threads`), how often, in which state (index into
    STATES), and when: milliseconds from the profile's start plus one, 0 for unknown; no `sample_offsets` at all when
    all are unknown.
    """

    profiles: list[Profile]
    path_digests: bytes
    threads: list[str]
    names: bytes
    sample_stacks: bytes
    sample_threads: bytes
    sample_values: bytes
    sample_states: bytes
    sample_offsets: bytes = b""


class Fact(msgspec.Struct, tag="fact", tag_field="kind", frozen=True, omit_defaults=True):
    """A slowly changing reading (sysctl, limit, version), sent when it changes and when an epoch begins."""

    name: str
    value: str
    time: int


class Event(msgspec.Struct, tag="event", tag_field="kind", frozen=True, omit_defaults=True):
    """Something that happened on the host: a process appeared, a counter reset, the spool dropped batches."""

    event: str
    time: int
    fields: dict[str, str]


class ProbeStatus(msgspec.Struct, tag="probe", tag_field="kind", frozen=True, omit_defaults=True):
    """How a probe's last run went: `reason` says why not, in words; `seconds` is CPU time of that run."""

    probe: str
    ok: bool
    reason: str
    seconds: float
    bytes: int


Sample = Points | Histogram | Stacks | Fact | Event | ProbeStatus
Item = PointTable | Histogram | ProfileTable | Fact | Event | ProbeStatus
_TAGS = frozenset({"points", "histogram", "profiles", "fact", "event", "probe"})


class Batch(msgspec.Struct, frozen=True):
    """What one POST carries. `epoch` (hex) is made with the spool; `seq` starts at 1 and grows by one.

    `content` is one zstd frame that states its size: msgpack of a list of `Item`s.
    """

    version: int
    host: str
    epoch: str
    seq: int
    oldest_seq: int
    sent_ns: int
    content: bytes
    agent: str = ""


class CaptureTarget(msgspec.Struct, frozen=True, omit_defaults=True):
    """Whom to capture: exactly one is set. `container` is an id, or its first twelve characters or more."""

    pid: int | None = None
    service: str | None = None
    cgroup: str | None = None
    container: str | None = None


class Command(msgspec.Struct, frozen=True, omit_defaults=True):
    """A request from the server. The collector runs only the kinds it knows and its owner allows."""

    id: str
    action: Literal["capture", "cancel"]
    expires_ns: int
    target: CaptureTarget | None = None
    profile: str = "cpu"
    seconds: float = 10.0
    hz: int = 100


class CommandStatus(msgspec.Struct, frozen=True, omit_defaults=True):
    """Progress of a command, posted to `/captures/{id}/progress`; `message` is plain words for the page.

    `partial`: the result is less than was asked for, and `message` says why. `refused`: it failed because the host's
    owner does not allow it.
    """

    id: str
    state: CaptureState
    progress: float = 0.0
    message: str = ""
    samples: int = 0
    partial: bool = False
    refused: bool = False


class _Tag(msgspec.Struct):
    kind: str = ""


_batch = msgspec.msgpack.Decoder(Batch)
_raws = msgspec.msgpack.Decoder(list[msgspec.Raw])
_item: msgspec.msgpack.Decoder[Item] = msgspec.msgpack.Decoder(Item)
_names = msgspec.msgpack.Decoder(Names)
_series = msgspec.msgpack.Decoder(list[Series])
_tag = msgspec.msgpack.Decoder(_Tag)
_encoder = msgspec.msgpack.Encoder()


def encode_item(item: Item) -> msgspec.Raw:
    """One item as it will stand inside a batch's content."""
    return msgspec.Raw(_encoder.encode(item))


def encode_series(series: list[Series]) -> bytes:
    """As `PointTable.series` has them."""
    return _encoder.encode(series)


def decode_series(data: bytes) -> list[Series]:
    """Raises msgspec.DecodeError or ValidationError on malformed input."""
    return _series.decode(data)


def encode_names(names: Names) -> bytes:
    """As they are compressed into `ProfileTable.names`."""
    return _encoder.encode(names)


def decode_names(data: bytes) -> Names:
    """Raises msgspec.DecodeError or ValidationError on malformed input."""
    return _names.decode(data)


def encode_batch(batch: Batch) -> bytes:
    """The body of a request."""
    return _encoder.encode(batch)


def decode_batch(data: bytes) -> Batch:
    """The envelope, its content still packed. Raises msgspec.DecodeError or ValidationError on malformed input."""
    return _batch.decode(data)


def decode_items(data: bytes) -> tuple[list[Item], int]:
    """All items of known kinds in decompressed content, and how many of unknown kinds were skipped.

    Raises msgspec.DecodeError or ValidationError when it or an item of a known kind is malformed.
    """
    known: list[Item] = []
    skipped = 0
    for raw in _raws.decode(data):
        try:
            known.append(_item.decode(raw))
        except msgspec.ValidationError:
            if _tag.decode(raw).kind in _TAGS:
                raise
            skipped += 1
    return known, skipped
