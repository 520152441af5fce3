"""Proposed values on hosts of every size, from 64 MB and one CPU to 2 TB and 256: safe, and what the kernel takes.

What is safe is worked out here again, by what each setting may come to in memory, not with the product's own table.
"""

import dataclasses
import random

import pytest

from diagnose.correlate.change import (
    Backlog,
    CpuQuota,
    MemoryLimit,
    OpenFiles,
    PacketSteering,
    Sysctl,
    TaskLimit,
    Variable,
    Workers,
)
from diagnose.correlate.engine import evaluate
from diagnose.findings.advice.bounds import bounded
from diagnose.findings.advice.bounds.variables import size_bytes
from diagnose.findings.advice.fitting import fitted
from diagnose.findings.advice.machine import Machine
from tests.diagnose.correlate.windows import BUNDLES, recorded

MIB, TIB = 1 << 20, 1 << 40
HOSTS = 200
# B that one of it may take at the least; together they may take this share of memory.
COSTS = {
    "net.core.somaxconn": (2400, 0.1),
    "net.ipv4.tcp_max_tw_buckets": (256, 0.1),
    "net.ipv4.tcp_max_orphans": (64 << 10, 0.5),
    "net.netfilter.nf_conntrack_max": (320, 0.15),
    "net.netfilter.nf_conntrack_buckets": (8, 0.05),
    "fs.file-max": (1024, 0.5),
    "net.core.rmem_max": (1, 0.05),
    "net.core.wmem_max": (1, 0.05),
    "vm.min_free_kbytes": (1024, 0.1),
    "kernel.threads-max": (16 << 10, 0.25),
    "net.ipv4.tcp_max_syn_backlog": (256, 0.1),
}
MOST = {
    "net.core.somaxconn": 65_535,
    "net.core.netdev_max_backlog": 1_000_000,
    "net.core.netdev_budget": 3000,
    "net.core.netdev_budget_usecs": 20_000,
    "vm.swappiness": 200,
    "kernel.threads-max": 4 << 20,
    "kernel.pid_max": 4 << 20,
    "net.ipv4.tcp_syncookies": 2,
    "net.ipv4.tcp_tw_reuse": 2,
}


def hosts():
    """Sizes spread evenly over their logarithms, the corners among them."""
    draw = random.Random(20260501)
    yield 64 * MIB, 1
    yield 64 * MIB, 256
    yield 2 * TIB, 256
    yield 2 * TIB, 1
    for _ in range(HOSTS - 4):
        yield int(64 * MIB * 2 ** draw.uniform(0, 15)), int(2 ** draw.uniform(0, 8))


def facts(memory, cpus):
    """A kernel's own defaults on a machine of that size (fs/file_table.c, net/ipv4/tcp.c, kernel/fork.c)."""
    return {
        "memory.total_bytes": str(memory),
        "cpu.count": str(cpus),
        "kernel.release": "6.1.0",
        "sysctl.fs.nr_open": "1048576",
        "sysctl.fs.file-max": str(max(8192, memory // 10_240)),
        "sysctl.net.core.somaxconn": "4096",
        "sysctl.net.core.rmem_max": "212992",
        "sysctl.net.core.wmem_max": "212992",
        "sysctl.kernel.threads-max": str(max(20, memory // (8 * 16_384))),
        "sysctl.net.ipv4.tcp_max_orphans": str(max(64, min(262_144, memory // (64 << 10) // 4))),
        "sysctl.net.ipv4.tcp_mem": " ".join(str(memory // 4096 * share // 100) for share in (5, 6, 9)),
    }


def is_safe(change, memory, cpus):
    match change:
        case Sysctl(name, current, str(proposed)):
            values = [int(word) for word in proposed.split()] if proposed[0].isdigit() else []
            if name in ("net.ipv4.tcp_mem", "net.ipv4.udp_mem"):
                now = int(str(current).split()[-1])
                return values == sorted(values) and (values[-1] * 4096 <= memory / 2 or values[-1] <= now)
            if name == "net.ipv4.ip_local_port_range":
                return 1024 <= values[0] <= values[1] <= 65_535
            return values == sorted(values)
        case Sysctl(name, current, proposed):
            if proposed <= int(current):
                return True
            each, share = COSTS.get(name, (0, 1))
            return proposed * each <= memory * share and proposed <= MOST.get(name, (1 << 31) - 1)
        case Backlog(_, _, current, proposed):
            return proposed <= current or (proposed * 2400 <= memory / 10 and proposed <= 65_535)
        case OpenFiles(_, _, current, proposed):
            return proposed <= current or (proposed <= 1 << 20 and proposed * 1024 <= memory / 5)
        case Workers(_, current, proposed):
            return proposed >= 1 and (
                proposed <= current or (proposed <= 16 * cpus and proposed * 16 * MIB <= memory)
            )
        case TaskLimit(_, _, current, proposed):
            return proposed <= current or (proposed * 16_384 <= memory / 4 and proposed <= 4 << 20)
        case MemoryLimit(_, _, current, proposed):
            return proposed <= current or proposed < memory
        case CpuQuota(_, _, current, proposed):
            return proposed > 0 and (proposed <= cpus or proposed <= current)
        case PacketSteering(_, _, mask):
            return 0 < int(mask.replace(",", ""), 16) < 1 << cpus
        case Variable("GOMEMLIMIT" | _, name, _, value):
            if name == "GOMEMLIMIT":
                return size_bytes(value) < memory
            return 1 <= int(value) <= (1000 if name == "GOGC" else 8 * cpus)
    return True


def wild(draw, memory, cpus):
    """What a rule may come to from any readings: anything up to far beyond the machine."""
    far = lambda: int(2 ** draw.uniform(0, 40))  # noqa: E731
    known = facts(memory, cpus)
    for name in (*COSTS, *MOST):
        yield Sysctl(name, int(known.get(f"sysctl.{name}", draw.randint(0, 1000))), far())
    yield Sysctl("net.ipv4.tcp_mem", known["sysctl.net.ipv4.tcp_mem"], f"{far()} {far()} {far()}")
    yield Sysctl("net.ipv4.ip_local_port_range", "32768 60999", f"{far()} {far()}")
    yield Backlog("0.0.0.0:80", "shop", draw.randint(1, 128), far())
    yield OpenFiles("shop", 1, 1024, far())
    yield Workers("shop", draw.randint(1, 4), far())
    yield TaskLimit("shop", "/shop", draw.randint(1, 100), far())
    yield MemoryLimit("shop", "/shop", 1 << 20, far())
    yield CpuQuota("shop", "/shop", 0.5, draw.uniform(0, 1000))
    yield PacketSteering("eth0", "0", f"{draw.getrandbits(256):x}")
    yield Variable("shop", "GOMAXPROCS", "", str(far()))
    yield Variable("shop", "GOGC", "100", str(far()))
    yield Variable("shop", "GOMEMLIMIT", "", f"{far() >> 20}MiB")


def test_whatever_a_rule_comes_to_is_safe_on_two_hundred_hosts():
    draw = random.Random(9)
    unsafe = [
        (memory, cpus, change, found)
        for memory, cpus in hosts()
        for change in wild(draw, memory, cpus)
        if not is_safe(found := bounded(change, Machine(facts(memory, cpus)))[0], memory, cpus)
    ]
    assert unsafe == []


def test_the_check_itself_finds_values_that_are_not_safe():
    assert not is_safe(Sysctl("net.core.somaxconn", 128, 65_535), 64 * MIB, 1)
    assert not is_safe(Sysctl("net.ipv4.tcp_mem", "1 2 3", "1 2 9000000000"), 64 * MIB, 1)
    assert not is_safe(Workers("shop", 1, 500), 64 * MIB, 1)
    assert not is_safe(PacketSteering("eth0", "0", "100"), 64 * MIB, 8)


def test_the_advice_of_recorded_faults_is_safe_on_two_hundred_hosts():
    """Each host gets one of the recorded faults as if it had happened there."""
    names = sorted(path.name.removesuffix(".json.gz") for path in BUNDLES.glob("*.json.gz"))
    seen = 0
    for number, (memory, cpus) in enumerate(hosts()):
        window = recorded(names[number % len(names)])
        samples = dataclasses.replace(window, facts={**window.facts, **facts(memory, cpus)})
        for judgement in fitted(evaluate(samples), samples).judgements:
            for advice in judgement.verdict.recommendations:
                assert is_safe(advice.change, memory, cpus), (memory, cpus, advice.change)
                seen += 1
    assert seen > HOSTS


@pytest.mark.parametrize("current", [16, 5_000_000])
def test_what_is_set_already_is_never_lowered_by_a_bound(current):
    change, _ = bounded(Sysctl("net.core.somaxconn", current, 10_000_000), Machine(facts(64 * MIB, 1)))
    assert change.proposed >= current


def test_a_cut_value_says_what_cut_it():
    _, why = bounded(Workers("shop", 1, 100), Machine(facts(64 << 30, 4)))
    assert why == "100 cut to 32: 4 CPUs: more would only take turns"


def test_without_knowing_the_memory_only_the_kernels_own_ends_bind():
    change, why = bounded(Sysctl("net.core.somaxconn", 128, 1024), Machine({}))
    assert (change.proposed, why) == (1024, "")
    change, why = bounded(Sysctl("net.core.somaxconn", 128, 1 << 20), Machine({}))
    assert change.proposed == 65_535


def test_masks_beyond_32_cpus_are_written_in_groups():
    change, _ = bounded(PacketSteering("eth0", "0", "f" * 16), Machine(facts(2 * TIB, 40)))
    assert change.proposed == "ff,ffffffff"
