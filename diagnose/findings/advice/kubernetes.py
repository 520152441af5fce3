"""Parts of a pod's specification, as in a manifest or a Helm chart's template."""

from __future__ import annotations

from diagnose.correlate.change import Backlog, CpuQuota, MemoryLimit, Sysctl, Variable, Workers
from diagnose.correlate.rule import Recommendation
from diagnose.findings.advice import programs
from diagnose.findings.advice.place import is_namespaced

# Those a kubelet lets every pod set (Kubernetes, "Using sysctls in a Kubernetes Cluster": safe sysctls, as of 1.32).
SAFE = (
    "net.ipv4.ip_local_port_range",
    "net.ipv4.tcp_syncookies",
    "net.ipv4.ip_local_reserved_ports",
    "net.ipv4.tcp_keepalive_time",
    "net.ipv4.tcp_keepalive_intvl",
    "net.ipv4.tcp_keepalive_probes",
    "net.ipv4.tcp_fin_timeout",
    "net.ipv4.tcp_rmem",
    "net.ipv4.tcp_wmem",
)


def render(recommendation: Recommendation) -> str | None:
    """YAML for services that run in a pod; None for others, and for what a pod cannot say."""
    change, place = recommendation.change, recommendation.fit.place
    if not place.pod:
        return None
    match change:
        case Sysctl(name, _, proposed) if is_namespaced(name):
            return _sysctl(name, proposed)
        case CpuQuota(_, _, _, cores):
            return _limit("cpu", f"{round(1000 * cores)}m")
        case MemoryLimit(_, _, _, size):
            return _limit("memory", f"{size >> 20}Mi")
        case Variable(_, name, _, value):
            return _variable(name, value)
        case Backlog() | Workers():
            variable = programs.variable(change, place.program)
            if variable:
                return _variable(*variable)
            option = programs.option(change, place.program)
            return _arguments(option) if option.startswith("-") else None
        case _:
            return None


def _sysctl(name: str, value: int | str) -> str:
    note = "" if name in SAFE else f"# the node's kubelet must allow it: --allowed-unsafe-sysctls={name}\n"
    return f"""\
{note}spec:
  securityContext:
    sysctls:
      - name: {name}
        value: "{value}"
"""


def _limit(resource: str, value: str) -> str:
    return f"""\
# of the container
resources:
  limits:
    {resource}: {value}
"""


def _variable(name: str, value: str) -> str:
    return f"""\
# of the container
env:
  - name: {name}
    value: "{value}"
"""


def _arguments(option: str) -> str:
    words = ", ".join(f'"{word}"' for word in option.split())
    return f"# of the container, added to what is there\nargs: [{words}]\n"
