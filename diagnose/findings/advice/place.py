"""Where a change is made: which program, in a unit, a container or a pod, with whose network settings."""

from __future__ import annotations

import re

from diagnose.correlate.fit import Place
from diagnose.correlate.rule import Subject
from diagnose.findings.advice.machine import Machine

# By the name of the executable or of Python's module; the first that a command line has.
PROGRAMS = (
    "gunicorn",
    "uvicorn",
    "granian",
    "hypercorn",
    "celery",
    "nginx",
    "haproxy",
    "envoy",
    "redis-server",
    "valkey-server",
    "postgres",
    "pgbouncer",
    "php-fpm",
    "puma",
)
# Beyond these words a name is an argument, not a program.
_FIRST_WORDS = 5
_CONTAINER = re.compile(r"[0-9a-f]{64}|/docker[/-]|/libpod-|/lxc[./]|/kubepods")
# Not each network namespace's own: set once for the machine (net/core/sysctl_net_core.c, net/ipv4/sysctl_net_ipv4.c).
_OF_THE_MACHINE = (
    "net.core.netdev_",
    "net.core.dev_weight",
    "net.core.rps_",
    "net.core.flow_limit",
    "net.core.busy_",
    "net.core.rmem_max",
    "net.core.wmem_max",
    "net.ipv4.tcp_mem",
    "net.ipv4.udp_mem",
    "net.ipv4.tcp_max_orphans",
    "net.netfilter.nf_conntrack_max",
    "net.netfilter.nf_conntrack_buckets",
)


def place_of(service: str, subject: Subject, machine: Machine) -> Place:
    """`service` is the one that the change names; else the finding's."""
    service = service or subject.service
    groups = [
        value
        for name, value in machine.facts.items()
        if service and name.startswith(f"service.{service}.cgroup.")
    ]
    groups.append(subject.cgroup)
    return Place(
        service=service,
        pid=subject.pid,
        netns=subject.netns,
        program=program_of(machine.of_service(service, "command")),
        container=any(_CONTAINER.search(path) for path in groups),
        pod=any("kubepods" in path for path in groups),
    )


def program_of(command: str) -> str:
    """Which well-known program a command line starts, '' for others."""
    for word in command.split()[:_FIRST_WORDS]:
        name = word.rstrip(":").rpartition("/")[2]
        if name in PROGRAMS:
            return name
    return ""


def is_namespaced(sysctl: str) -> bool:
    """Whether each network namespace has its own value."""
    return sysctl.startswith("net.") and not sysctl.startswith(_OF_THE_MACHINE)
