"""memory.numa_remote: memory on another node than the threads; no machine of the tests has two, so by hand."""

import pytest

from tests.diagnose.correlate.rules.verdicts import the_verdict, verdicts
from tests.diagnose.correlate.windows import recorded, synthetic

RULE = "memory.numa_remote"
GIB = 1024.0**3
PROCESS = {"pid": "41", "service": "shop"}


def window(memory=(0.1, 1.9), threads=(8.0, 0.0), cores=2.0):
    """GiB and threads of two nodes."""
    return synthetic(
        {
            "process_numa_memory_bytes": [
                ({**PROCESS, "node": str(node)}, [held * GIB] * 3) for node, held in enumerate(memory)
            ],
            "process_numa_threads": [
                ({**PROCESS, "node": str(node)}, [count] * 3) for node, count in enumerate(threads)
            ],
            "process_cpu_seconds_total": [(PROCESS, [10 * cores] * 3)],
        },
        step=10.0,
    )


def test_memory_on_the_other_node_is_found_with_where_it_should_be():
    verdict = the_verdict(RULE, window())
    assert "95 % of the memory of shop (pid 41)" in verdict.headline
    assert "--membind=0" in verdict.recommendations[0].change.what


@pytest.mark.parametrize(
    "odd",
    [
        {"memory": (1.9, 0.1)},
        {"memory": (1.0, 1.0), "threads": (4.0, 4.0)},
        {"cores": 0.1},
        {"memory": (0.0, 0.1)},
    ],
    ids=["near", "spread", "idle", "small"],
)
def test_what_is_near_spread_idle_or_small_is_no_finding(odd):
    assert verdicts(RULE, window(**odd)) == []


def test_a_recorded_host_with_one_node_is_unknown():
    assert verdicts(RULE, recorded("steady-work-usual")) is None
