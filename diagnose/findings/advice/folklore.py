"""Popular tweaks that do nothing, or harm, for a defect: said wherever it is found, unless its rule says so already."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

from diagnose.correlate.fit import Place
from diagnose.correlate.rule import WillNotHelp
from diagnose.findings.advice.machine import Machine


def _always(_machine: Machine, _place: Place) -> bool:
    return True


def _in_a_unit(_machine: Machine, place: Place) -> bool:
    return bool(place.unit)


def _in_go(machine: Machine, place: Place) -> bool:
    return machine.of_service(place.service, "runtime").startswith("go")


@dataclass(frozen=True, slots=True)
class Folklore:
    """`word` is what an action is known by: a rule that names it has said it better, with its own readings."""

    rules: tuple[str, ...]
    word: str
    action: str
    reason: str
    applies: Callable[[Machine, Place], bool] = _always


_TIME_WAIT = ("network.ephemeral_port_exhaustion", "network.time_wait_overflow", "network.connection_churn")
_PATH = (
    "network.packet_loss",
    "network.high_rtt",
    "network.receive_window_limited",
    "network.send_buffer_limited",
)
_MEMORY = (
    "memory.swapping",
    "memory.direct_reclaim",
    "memory.oom_kill",
    "memory.cgroup_limit",
    "memory.leak",
)
_LIMITS = ("limits.process_fds", "limits.tasks")

ALL = (
    Folklore(
        _TIME_WAIT,
        "tcp_tw_recycle",
        "set net.ipv4.tcp_tw_recycle",
        "gone since Linux 4.12; before, it dropped connections of clients behind one NAT address",
    ),
    Folklore(
        _TIME_WAIT,
        "tcp_fin_timeout",
        "lower net.ipv4.tcp_fin_timeout",
        "it ends FIN_WAIT_2; TIME_WAIT is fixed at 60 s (TCP_TIMEWAIT_LEN)",
    ),
    Folklore(
        ("network.connection_churn", "network.time_wait_overflow"),
        "tcp_tw_reuse",
        "set net.ipv4.tcp_tw_reuse on the server",
        "it concerns the connections that a host opens, not those that it accepts",
    ),
    Folklore(
        ("network.accept_queue_overflow", "app.acceptor_stalled"),
        "tcp_abort_on_overflow",
        "set net.ipv4.tcp_abort_on_overflow",
        "the same connections are lost, with a reset; without it, clients that try again often still get in",
    ),
    Folklore(
        _PATH,
        "tcp_timestamps",
        "switch tcp_sack, tcp_timestamps or tcp_window_scaling off",
        "they cost some bytes a segment; without them loss is repaired later and a window ends at 64 kB",
    ),
    Folklore(
        _PATH,
        "bandwidth-delay",
        "buffers far beyond the bandwidth-delay product",
        "what is under way fills the path already; more waits in queues, as memory and latency",
    ),
    Folklore(
        _MEMORY,
        "swappiness",
        "set vm.swappiness to 0",
        "what programs use has to be somewhere: the page cache shrinks instead, and the OOM killer comes sooner",
    ),
    Folklore(
        _MEMORY,
        "drop_caches",
        "write to /proc/sys/vm/drop_caches",
        "clean pages are given up anyway when memory is short; what is dropped is read from the disk again",
    ),
    Folklore(
        _LIMITS,
        "limits.conf",
        "edit /etc/security/limits.conf",
        "systemd services do not read it: it is applied by PAM, at a login",
        _in_a_unit,
    ),
    Folklore(
        ("cpu.cgroup_throttling", "go.gomaxprocs_over_quota", "cpu.saturation"),
        "GOMAXPROCS",
        "a GOMAXPROCS above the quota",
        "more threads use the same quota up sooner in each period, and all stand still until the next",
        _in_go,
    ),
    Folklore(
        ("python.gil_contention",),
        "CPUs",
        "more CPUs",
        "one interpreter runs one thread at a time, on however many CPUs",
    ),
    Folklore(
        ("go.gc_pressure",),
        "GOGC=off",
        "GOGC=off without GOMEMLIMIT",
        "nothing is collected until the system's or the group's memory is used up, and then the process is killed",
        _in_go,
    ),
    Folklore(
        ("disk.saturation",),
        "dirty_ratio",
        "raise vm.dirty_ratio",
        "the same bytes are written later and in larger bursts; fsync() waits for more of them",
    ),
    Folklore(
        ("app.worker_count", "app.pool_exhausted"),
        "2 × CPUs + 1",
        "2 × CPUs + 1 workers",
        "it knows neither the service time nor how much of it is spent waiting: both were measured here",
    ),
)


def of(rule: str, said: tuple[WillNotHelp, ...], machine: Machine, place: Place) -> Iterator[WillNotHelp]:
    """What is to be added to what the rule said."""
    for each in ALL:
        known = any(each.word in f"{one.action} {one.reason}" for one in said)
        if rule in each.rules and not known and each.applies(machine, place):
            yield WillNotHelp(each.action, each.reason)
