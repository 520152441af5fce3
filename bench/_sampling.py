"""All continuous samplers in a process of its own: `python -m bench._sampling SERVICE…` samples until its input ends.

Then it prints what that cost as JSON: seconds, CPU seconds (its own and py-spy's), the most resident memory of the
py-spys together, the rates that it reached.
"""

from __future__ import annotations

import json
import resource
import statistics
import sys
import threading
import time

from collectors.budget import measure
from collectors.capture.continuous import Continuous
from collectors.capture.sampler import Settings
from collectors.wire import Points, Sample

_LOOK_SECONDS = 0.5


def main() -> None:
    services, rates = set(sys.argv[1:]), []

    def emit(sample: Sample) -> None:
        if isinstance(sample, Points) and sample.metric == "python_sampling_hz":
            rates.append(sample.values[0])

    sampler = Continuous(Settings(denies=lambda process: process.service not in services))
    ended = threading.Event()
    threading.Thread(target=lambda: (sys.stdin.read(), ended.set()), daemon=True).start()
    spent, began, most = cpu_seconds(), time.monotonic(), 0
    sampler.start(emit)
    while not ended.wait(_LOOK_SECONDS):
        most = max(most, measure().stacks_rss_bytes)
    seconds = time.monotonic() - began
    sampler.stop()
    cost = cpu_seconds() - spent
    hz = statistics.median(rates) if rates else 0.0
    print(json.dumps({"seconds": seconds, "cpu_seconds": cost, "rss_bytes": most, "hz": hz}))


def cpu_seconds() -> float:
    """Of this process and its children that have ended."""
    used = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    return sum(one.ru_utime + one.ru_stime for one in used)


if __name__ == "__main__":
    main()
