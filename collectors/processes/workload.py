"""The name that whoever started a process gave it: Kubernetes workload, container, systemd unit or plain cgroup."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TypeVar

import msgspec

from collectors.kernel import procfs

VARIABLES = (b"HOSTNAME",)  # of a container: in Kubernetes the pod's name

_CONTAINER = re.compile(r"(?:^|[/:-])([0-9a-f]{64})(?:\.scope)?(?:/|$)")
# A ReplicaSet's hash and a pod's suffix use these letters only (k8s.io/apimachinery/pkg/util/rand).
_DEPLOYMENT_POD = re.compile(r"(.+)-[bcdfghjklmnpqrstvwxz2456789]{6,10}-[bcdfghjklmnpqrstvwxz2456789]{5}")
_OTHER_POD = re.compile(r"(.+)-(?:[bcdfghjklmnpqrstvwxz2456789]{5}|\d{1,4})")
_NAMED = re.compile(r"/(?:lxc\.payload|lxc|machine)[./]([A-Za-z][\w.-]*?)(?:/|$)")
_NSPAWN = re.compile(r"/systemd-nspawn@([^/]+)\.service(?:/|$)|/machine-([^/]+)\.scope(?:/|$)")
_USER_MANAGER = re.compile(r"user@\d+\.service")
_HEXADECIMAL = re.compile(r"[0-9a-f-]{12,}")
_NOT_NAMES = re.compile(
    r"|init|.*\.(?:slice|scope|mount|socket|partition)|\.\.|user-\d+|user|system|docker|kubepods.*"
)
_ACCOUNT = "/var/run/secrets/kubernetes.io/serviceaccount"
_NAME_BYTES = 63  # of a namespace, an RFC 1123 label
_DOCKER = "var/lib/docker/containers"
_PODMAN = "var/lib/containers/storage/overlay-containers/containers.json"

_Kind = TypeVar("_Kind")


class _DockerConfig(msgspec.Struct):
    Labels: dict[str, str] | None = None


class _DockerContainer(msgspec.Struct):
    """The part of Docker's config.v2.json that names a container."""

    Name: str = ""
    Config: _DockerConfig = msgspec.field(default_factory=_DockerConfig)


class _PodmanContainer(msgspec.Struct):
    """The part of an entry in Podman's containers.json that names a container."""

    id: str = ""
    names: list[str] = msgspec.field(default_factory=list)


def parse_cgroup(text: bytes) -> dict[str, str]:
    """Path by controller, of /proc/PID/cgroup; the unified hierarchy (v2) has the controller ''."""
    found = {}
    for line in text.decode("utf-8", "replace").splitlines():
        fields = line.split(":", 2)
        if len(fields) == 3 and fields[2].startswith("/"):
            found[fields[1]] = fields[2]
    return found


def name(cgroups: Mapping[str, str], environment: Mapping[bytes, bytes], root: Path) -> str:
    """The best name, '' when the process is in nobody's group (a login session, the root group)."""
    hostname = environment.get(b"HOSTNAME", b"").decode("utf-8", "replace")
    # A pod on the host's network has the node's name: that names no workload.
    if _in_pod(cgroups) and hostname and hostname != _host_name(root):
        return pod_workload(hostname)
    for path in cgroups.values():
        container = _CONTAINER.search(path)
        if container:
            return _container_name(container[1], root)
    # The other controllers' paths (v1) are for limits, and often named by whoever runs the machine.
    return _group_name(cgroups.get("", "/")) or _group_name(cgroups.get("name=systemd", "/"))


def identity(cgroups: Mapping[str, str], hostname: str, root: Path, pid: int) -> Iterator[tuple[str, str]]:
    """Of one process: `container` (its id), and in Kubernetes `pod`, `namespace` and `workload`."""
    found = next((match[1] for path in cgroups.values() if (match := _CONTAINER.search(path))), "")
    if found:
        yield "container", found[:12]
    if _in_pod(cgroups) and hostname and hostname != _host_name(root):
        yield "pod", hostname
        yield "workload", pod_workload(hostname)
        yield "namespace", _namespace(f"{root}/{pid}/root{_ACCOUNT}/namespace")


def _in_pod(cgroups: Mapping[str, str]) -> bool:
    return any("/kubepods" in path for path in cgroups.values())


def _namespace(path: str) -> str:
    """As Kubernetes tells it to the pod itself; '' for a pod without an account."""
    try:
        return procfs.read(path, 1)[:_NAME_BYTES].decode("utf-8", "replace").strip()
    except OSError:
        return ""


def _host_name(root: Path) -> str:
    try:
        return (root / "sys/kernel/hostname").read_text().strip()
    except OSError:
        return ""


def pod_workload(pod: str) -> str:
    """`shop-7d4b9c6f8b-x2x4z` → `shop`, `db-0` → `db`, `agent-x2x4z` → `agent`."""
    match = _DEPLOYMENT_POD.fullmatch(pod) or _OTHER_POD.fullmatch(pod)
    return match[1] if match else pod


def _group_name(path: str) -> str:
    match = _NSPAWN.search(path) or _NAMED.search(path)
    if match:
        return str(next(group for group in match.groups() if group))
    parts = path.strip("/").split("/")
    for part in reversed(parts):
        if part.endswith(".service") and not _USER_MANAGER.fullmatch(part):
            return part
    last = parts[-1]
    return "" if _NOT_NAMES.fullmatch(last) or _HEXADECIMAL.fullmatch(last) else last


def _container_name(container: str, root: Path) -> str:
    """From the engine's own files, seen through PID 1; '' when there are none, since an id is no name."""
    for base in (root / "1/root", Path("/")):
        docker = _decode(base / _DOCKER / container / "config.v2.json", _DockerContainer)
        if docker is not None:
            labels = docker.Config.Labels or {}
            return labels.get("com.docker.compose.service") or docker.Name.lstrip("/")
        for entry in _decode(base / _PODMAN, list[_PodmanContainer]) or []:
            if entry.id == container and entry.names:
                return entry.names[0]
    return ""


def _decode(path: Path, kind: type[_Kind]) -> _Kind | None:
    try:
        return msgspec.json.decode(path.read_bytes(), type=kind)
    except (OSError, msgspec.MsgspecError):
        return None
