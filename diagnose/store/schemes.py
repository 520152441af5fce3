"""The bounds of a scheme's buckets, as the collector counts by them."""

from __future__ import annotations

from functools import cache
from typing import cast

import numpy as np
from numpy.typing import NDArray

from collectors import histograms
from collectors.wire import HistogramScheme


@cache
def edges(scheme: str) -> NDArray[np.float64]:
    """In seconds: bucket i reaches from edges[i] to edges[i + 1]. The first takes all that is shorter, from 0 on."""
    known = cast(HistogramScheme, scheme)
    lows = [histograms.bounds(known, bucket)[0] for bucket in range(histograms.bucket_count(known))]
    found = np.array([0.0, *lows[1:], histograms.bounds(known, len(lows) - 1)[1]])
    found.flags.writeable = False
    return found
