"""The wire types: what a collector says to the server and what the server may ask of it. Nothing else.

A batch is msgpack of `Batch`, compressed with zstd. Unknown fields are skipped by msgspec; unknown sample
tags are skipped and counted by `decode_samples`, so that an old server takes a new collector.
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
CaptureState = Literal["queued", "sent", "running", "done", "failed", "cancelled", "expired"]


class Points(msgspec.Struct, tag="points", tag_field="kind", frozen=True, omit_defaults=True):
    """One series: `values[i]` at `times[i]` (ns). A counter's value is its increase since the reading before."""

    metric: str
    labels: dict[str, str]
    times: list[int]
    values: list[float]
    counter: bool = False


class Histogram(msgspec.Struct, tag="histogram", tag_field="kind", frozen=True, omit_defaults=True):
    """Counts by log-linear bucket index, sparse, of one interval that ended at `time`."""

    metric: str
    labels: dict[str, str]
    time: int
    scheme: HistogramScheme
    buckets: dict[int, int]
    sum: float
    count: int


class Stacks(msgspec.Struct, tag="stacks", tag_field="kind", frozen=True, omit_defaults=True):
    """Stacks of one service in one interval; the numbers in `columns` name `strings` and one another.

    `period` is the time one unit of value stands for, in nanoseconds (bytes for allocation profiles).
    """

    type: ProfileType
    unit: Literal["samples", "nanoseconds", "bytes", "count"]
    service: str
    labels: dict[str, str]
    start_ns: int
    end_ns: int
    period: int
    strings: list[str]
    columns: StackColumns
    capture_id: str | None = None


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
_TAGS = frozenset({"points", "histogram", "stacks", "fact", "event", "probe"})


class Batch(msgspec.Struct, frozen=True):
    """What one POST carries. `epoch` (hex) is made with the spool; `seq` starts at 1 and grows by one."""

    version: int
    host: str
    epoch: str
    seq: int
    oldest_seq: int
    sent_ns: int
    samples: list[msgspec.Raw]
    agent: str = ""


class CaptureTarget(msgspec.Struct, frozen=True, omit_defaults=True):
    """Whom to capture: exactly one of `pid`, `service`, `cgroup` is set."""

    pid: int | None = None
    service: str | None = None
    cgroup: str | None = None


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
    """Progress of a command, posted to `/captures/{id}/progress`; `message` is plain words for the page."""

    id: str
    state: CaptureState
    progress: float = 0.0
    message: str = ""
    samples: int = 0


class _Tag(msgspec.Struct):
    kind: str = ""


_batch = msgspec.msgpack.Decoder(Batch)
_sample: msgspec.msgpack.Decoder[Sample] = msgspec.msgpack.Decoder(Sample)
_tag = msgspec.msgpack.Decoder(_Tag)
_encoder = msgspec.msgpack.Encoder()


def encode_sample(sample: Sample) -> msgspec.Raw:
    """One sample as it will stand inside a batch."""
    return msgspec.Raw(_encoder.encode(sample))


def encode_batch(batch: Batch) -> bytes:
    """Uncompressed msgpack."""
    return _encoder.encode(batch)


def decode_batch(data: bytes) -> Batch:
    """The envelope, samples still raw. Raises msgspec.DecodeError or ValidationError on malformed input."""
    return _batch.decode(data)


def decode_samples(batch: Batch) -> tuple[list[Sample], int]:
    """All samples of known kinds, and how many of unknown kinds were skipped.

    Raises msgspec.ValidationError when a sample of a known kind is malformed.
    """
    known: list[Sample] = []
    skipped = 0
    for raw in batch.samples:
        try:
            known.append(_sample.decode(raw))
        except msgspec.ValidationError:
            if _tag.decode(raw).kind in _TAGS:
                raise
            skipped += 1
    return known, skipped
