"""memory.oom_kill: kills in the window, in a group or of the host."""

from diagnose.correlate.rule import MemoryLimit
from tests.diagnose.correlate.rules.verdicts import the_verdict, verdicts
from tests.diagnose.correlate.windows import recorded, synthetic, without

RULE = "memory.oom_kill"
MIB = 1024.0**2
GROUP = {"cgroup": "/system.slice/shop.service", "service": "shop.service"}
VICTIM = {
    "service": "shop.service",
    "name": "shop",
    "pid": "41",
    "scope": "cgroup",
    "cgroup": GROUP["cgroup"],
}


def window(kills_in_group=0.0, kills=0.0, victims=(), available=4096.0):
    readings = {
        "memory_MemTotal_bytes": [({}, [8192 * MIB] * 4)],
        "memory_MemAvailable_bytes": [({}, [available * MIB] * 4)],
        "vmstat_oom_kill": [({}, [0.0, 0.0, kills, 0.0])],
        "cgroup_memory_usage_bytes": [(GROUP, [50 * MIB, 60 * MIB, 62 * MIB, 20 * MIB])],
        "cgroup_memory_limit_bytes": [(GROUP, [64 * MIB] * 4)],
        "cgroup_memory_events_total": [({**GROUP, "event": "oom_kill"}, [0.0, 0.0, kills_in_group, 0.0])],
    }
    if victims:
        readings["oom_kills_total"] = [(labels, [1.0]) for labels in victims]
        readings["oom_victim_resident_bytes"] = [(labels, [60 * MIB]) for labels in victims]
    return synthetic(readings, step=10.0)


def test_a_kill_at_a_groups_limit_is_found_with_a_limit_that_has_room():
    verdict = the_verdict(RULE, window(kills_in_group=1.0, kills=1.0))
    assert verdict.subject.cgroup == GROUP["cgroup"]
    assert "64 MiB" in verdict.headline
    (limit,) = (each.change for each in verdict.recommendations if isinstance(each.change, MemoryLimit))
    assert limit.proposed == round(96 * MIB)


def test_the_victim_is_named_where_the_kernels_log_was_read_even_of_a_group_that_is_gone():
    verdict = the_verdict(RULE, window(victims=[{**VICTIM, "cgroup": "/gone"}], kills=1.0))
    assert "shop (pid 41)" in verdict.headline
    assert verdict.subject.cgroup == "/gone"


def test_the_hosts_own_end_is_told_apart():
    of_host = {key: value for key, value in VICTIM.items() if key != "cgroup"} | {"scope": "host"}
    named = the_verdict(RULE, window(victims=[of_host], kills=1.0, available=80.0))
    assert named.subject.pid == 41
    assert "the host ran out" in named.headline
    unnamed = the_verdict(RULE, window(kills=2.0, available=80.0))
    assert "2 processes" in unnamed.headline


def test_a_kill_in_a_group_that_nobody_reads_is_not_taken_for_the_hosts():
    assert verdicts(RULE, window(kills=1.0)) == []


def test_no_kills_are_no_finding():
    assert verdicts(RULE, window()) == []
    assert verdicts(RULE, recorded("near-its-limit-usual")) == []


def test_a_recorded_kill_is_found():
    assert "limit of 64 MiB" in the_verdict(RULE, recorded("killed-for-memory-usual")).headline


def test_without_the_hosts_memory_it_is_unknown():
    assert verdicts(RULE, without(recorded("killed-for-memory-usual"), "memory_")) is None
