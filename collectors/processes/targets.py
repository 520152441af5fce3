"""Which processes of the host a capture's target means."""

from __future__ import annotations

from pathlib import Path

from collectors.kernel import procfs
from collectors.processes import identity, workload
from collectors.wire import CaptureTarget


def means(target: CaptureTarget, process: identity.Process, proc: Path) -> bool:
    """Whether the process is the one of that pid, or is of that service, cgroup or container."""
    if target.pid is not None:
        return process.pid == target.pid
    if target.service:
        return process.service == target.service
    paths = _groups(process.pid, proc)
    if target.container:
        return any(f"/{target.container}" in _separated(path) for path in paths)
    wanted = (target.cgroup or "/").rstrip("/")
    return any(f"{path}/".startswith(f"{wanted}/") for path in paths)


def in_words(target: CaptureTarget) -> str:
    """`service 'shop'`, for messages."""
    for name in ("service", "cgroup", "container"):
        if getattr(target, name):
            return f"{name} {getattr(target, name)!r}"
    return f"process {target.pid}"


def _groups(pid: int, proc: Path) -> list[str]:
    try:
        return [*workload.parse_cgroup(procfs.read(f"{proc}/{pid}/cgroup")).values()]
    except OSError:  # gone meanwhile
        return []


def _separated(path: str) -> str:
    """Runtimes write a container's id alone, or behind their own name: docker-ID.scope, cri-containerd:ID."""
    return path.replace("-", "/").replace(":", "/")
