"""memory.leak: growth that does not level off, at an even load."""

import pytest

from tests.diagnose.correlate.rules.verdicts import the_verdict, verdicts
from tests.diagnose.correlate.windows import recorded, synthetic, without

RULE = "memory.leak"
MIB = 1024.0**2
PROCESS = {"pid": "41", "service": "shop"}
LISTENER = {"service": "shop", "pid": "41", "listener": "0.0.0.0:80"}


def window(resident=None, cpu=None, age=600.0, serves=True, connections=0.0):
    """Five-second passes of a minute."""
    steps = 13
    resident = resident or [100 * MIB + step * 2 * MIB for step in range(steps)]
    readings = {
        "process_resident_memory_bytes": [(PROCESS, resident)],
        "process_cpu_seconds_total": [(PROCESS, cpu or [0.5] * len(resident))],
        "process_age_seconds": [(PROCESS, [age])],
        "memory_MemTotal_bytes": [({}, [8192 * MIB])],
        "memory_MemAvailable_bytes": [({}, [1024 * MIB])],
        "netstat_Tcp_CurrEstab": [({}, [20 + 5 * connections * step for step in range(len(resident))])],
        "vmstat_pswpin": [({}, [0.0] * len(resident))],
    }
    if serves:
        readings["listener_accept_queue_length"] = [(LISTENER, [0.0] * len(resident))]
    return synthetic(readings, step=5.0)


def test_even_growth_at_an_even_load_is_a_leak_with_the_time_that_is_left():
    verdict = the_verdict(RULE, window())
    assert verdict.subject.pid == 41
    assert "24 MiB a minute" in verdict.headline
    assert "the host's memory is reached in 43 min" in verdict.headline
    assert "another GiB lasts 43 min" in verdict.will_not_help[0].reason


@pytest.mark.parametrize(
    "odd",
    [
        {"resident": [100 * MIB + 40 * MIB * (1 - 0.7**step) for step in range(13)]},
        {"resident": [100 * MIB + step * MIB / 10 for step in range(13)]},
        {"resident": [100 * MIB + 9 * MIB * (step % 3) for step in range(13)]},
        {"cpu": [0.3] * 7 + [0.9] * 6},
        {"age": 20.0},
        {"serves": False},
        {"connections": 10.0},
    ],
    ids=[
        "levels off",
        "too little",
        "comes and goes",
        "load grows",
        "just started",
        "serves nobody",
        "connections",
    ],
)
def test_what_only_looks_like_a_leak_is_no_finding(odd):
    assert verdicts(RULE, window(**odd)) == []


def test_a_recorded_leak_is_found():
    assert "worker.py" in the_verdict(RULE, recorded("memory-leak-fast")).subject.service


def test_a_recorded_cache_that_warms_up_is_no_finding():
    assert verdicts(RULE, recorded("cache-warm-up-usual")) == []


def test_without_memory_of_processes_it_is_unknown():
    assert verdicts(RULE, without(recorded("memory-leak-fast"), "process_resident")) is None
