"""What each watched service is started with, as facts: command line, runtime, limits, variables that size its pools.

Facts are `service.<service>.<what>`, of the service's oldest watched process; `started` tells of its restarts, and
`version` is the first of VERSIONS it is started with. Secrets are taken out, see `scrub`.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from collectors.kernel import procfs
from collectors.probe import Cost, Host, Metric
from collectors.processes import runtimes, scrub, watched, workload
from collectors.processes.identity import Process
from collectors.readings import ChangedFacts
from collectors.wire import Sample

MOST_SERVICES = 32
# What sizes pools and heaps; no other variable is looked at.
VARIABLES = (
    "GOMAXPROCS",
    "GOGC",
    "GOMEMLIMIT",
    "GODEBUG",
    "WEB_CONCURRENCY",
    "OMP_NUM_THREADS",
    "OPENBLAS_NUM_THREADS",
    "UV_THREADPOOL_SIZE",
    "NODE_OPTIONS",
    "JAVA_TOOL_OPTIONS",
    "JDK_JAVA_OPTIONS",
    "PYTHONMALLOC",
    "PYTHON_GIL",
    "MALLOC_ARENA_MAX",
    "LD_PRELOAD",
)
# What says which version of the program this is, the most usual first.
VERSIONS = (
    "APP_VERSION",
    "SERVICE_VERSION",
    "OTEL_SERVICE_VERSION",
    "DD_VERSION",
    "SENTRY_RELEASE",
    "GIT_COMMIT",
)
LIMITS = {
    b"Max open files": "nofile",
    b"Max processes": "nproc",
    b"Max locked memory": "memlock",
    b"Max core file size": "core",
}
_READ = frozenset((*VARIABLES, *VERSIONS))
_MOST_ENVIRONMENT_BYTES = 1 << 17


def parse_limits(text: bytes) -> dict[str, str]:
    """`soft hard` by name, of /proc/PID/limits."""
    found = {}
    for line in text.splitlines():
        for title, name in LIMITS.items():
            if line.startswith(title):
                fields = line[len(title) :].split()
                if len(fields) >= 2:
                    found[name] = b" ".join(fields[:2]).decode("ascii", "replace")
    return found


def parse_environment(text: bytes) -> dict[str, str]:
    """Of /proc/PID/environ the variables that are asked for, scrubbed."""
    found = {}
    for entry in text.split(b"\0"):
        name, _, content = entry.decode("utf-8", "replace").partition("=")
        if name in _READ and content:
            found[name] = scrub.value(name, content)[: scrub.MOST_CHARACTERS]
    return found


class Services:
    """What advice about a service must know: told at the start, then each when it changed."""

    NAME = "services"
    COST: Cost = "moderate"
    # 0.3 ms a service
    INTERVAL_SECONDS = 15.0
    METRICS: tuple[Metric, ...] = ()

    def __init__(self) -> None:
        self._facts = ChangedFacts()
        self._oldest: dict[str, Process] = {}

    def collect(self, host: Host) -> Iterator[Sample]:
        """NotYet without the process probe's choice."""
        processes = watched.of(host.proc).chosen()
        # Who is watched varies with who is busy: a service started anew only when its oldest process is gone.
        told = [each for each in self._oldest.values() if _is_there(host.proc, each)]
        oldest: dict[str, Process] = {}
        for process in sorted((*told, *processes), key=lambda each: each.start_ticks):
            oldest.setdefault(process.service, process)
        watched_now = {process.service for process in processes}
        self._oldest = {name: each for name, each in oldest.items() if name in watched_now}
        for service, process in list(self._oldest.items())[:MOST_SERVICES]:
            facts = _describe(host.proc, process)
            yield from self._facts.news(
                host.now_ns, ((f"service.{service}.{what}", text) for what, text in facts)
            )


def _is_there(root: Path, process: Process) -> bool:
    stat = procfs.stat(root, process.pid)
    return stat is not None and stat.start_ticks == process.start_ticks


def _describe(root: Path, process: Process) -> Iterator[tuple[str, str]]:
    directory = f"{root}/{process.pid}"
    words = _read(f"{directory}/cmdline").decode("utf-8", "replace").rstrip("\0").split("\0")
    yield "command", scrub.command(words)
    yield "started", f"{process.start_ticks / procfs.TICKS_PER_SECOND:.2f} s after boot"
    yield "runtime", process.runtime
    yield "runtime_version", runtimes.version(process.runtime, str(root), process.pid)
    for name, text in parse_limits(_read(f"{directory}/limits")).items():
        yield f"limit.{name}", text
    environ = _read(f"{directory}/environ", _MOST_ENVIRONMENT_BYTES)
    environment = parse_environment(environ)
    yield "version", next((environment[name] for name in VERSIONS if name in environment), "")
    for name in VARIABLES:
        if name in environment:
            yield f"env.{name}", environment[name]
    cgroups = workload.parse_cgroup(_read(f"{directory}/cgroup"))
    yield from workload.identity(cgroups, _hostname(environ), root, process.pid)
    for controller, path in cgroups.items():
        if path != "/":
            yield f"cgroup.{controller or 'unified'}", path
    yield "cpus_allowed", _cpus(_read(f"{directory}/status"))


def _hostname(environ: bytes) -> str:
    """Of a container its own, in Kubernetes the pod's name."""
    _, _, rest = (b"\0" + environ).partition(b"\0HOSTNAME=")
    return rest.partition(b"\0")[0].decode("utf-8", "replace")


def _cpus(status: bytes) -> str:
    return status.partition(b"Cpus_allowed_list:")[2].partition(b"\n")[0].decode("ascii", "replace").strip()


def _read(path: str, most: int | None = None) -> bytes:
    try:
        return procfs.read(path, most)
    except OSError:
        return b""
