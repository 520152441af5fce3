"""The histogram schemes of the wire: which bucket a duration falls into, and what a bucket's bounds are.

Log-linear: each octave (a doubling) from 1 µs on is cut into equal steps, so a bucket is at most 1/steps wide, and
buckets of one scheme add up exactly. The kernel's side of it is `probes/ebpf/cells.h`; a test holds the two together.
"""

from __future__ import annotations

from collectors.wire import HistogramScheme

STEPS: dict[HistogramScheme, int] = {"loglin4": 4, "loglin20": 20}
# From 1 µs to 2**28 µs, about four and a half minutes; what is below or above falls into the first or last bucket.
OCTAVES = 28
LEAST_SECONDS = 1e-6
_LEAST_NS = 1_000


def bucket_count(scheme: HistogramScheme) -> int:
    """Buckets are numbered from 0 to one less than this."""
    return OCTAVES * STEPS[scheme]


def bucket_of(scheme: HistogramScheme, seconds: float) -> int:
    """The bucket of a duration, in whole nanoseconds."""
    steps, nanoseconds = STEPS[scheme], round(seconds * 1e9)
    if nanoseconds < _LEAST_NS:
        return 0
    octave = (nanoseconds // _LEAST_NS).bit_length() - 1
    step = (nanoseconds * steps // _LEAST_NS >> octave) - steps
    return min(octave * steps + step, bucket_count(scheme) - 1)


def bounds(scheme: HistogramScheme, bucket: int) -> tuple[float, float]:
    """Seconds from (inclusive) and to (exclusive) of a bucket; IndexError when the scheme has no such one."""
    if not 0 <= bucket < bucket_count(scheme):
        raise IndexError(f"bucket {bucket} of {scheme}: it has 0 to {bucket_count(scheme) - 1}")
    octave, step = divmod(bucket, STEPS[scheme])
    width = LEAST_SECONDS * 2**octave / STEPS[scheme]
    low = LEAST_SECONDS * 2**octave + step * width
    return low, low + width
