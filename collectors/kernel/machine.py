"""What the machine is: processor, maker, cloud, kernel command line. Nothing is asked of a metadata server."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

from collectors.kernel import procfs
from collectors.processes import scrub

_MODEL = re.compile(rb"^(?:model name|Model|cpu model)\s*:\s*(.+)$", re.MULTILINE)
_DMI = {"vendor": "sys_vendor", "product": "product_name", "bios": "bios_version"}
# What the DMI tables of their machines say (systemd-detect-virt and cloud-init look at the same).
_CLOUDS = {
    "amazon": "aws",
    "google": "gcp",
    "microsoft corporation": "azure",
    "digitalocean": "digitalocean",
    "hetzner": "hetzner",
    "alibaba": "alibaba",
    "openstack": "openstack",
    "oraclecloud": "oracle",
    "scaleway": "scaleway",
}
_CPUINFO_BYTES = 8192


def facts(proc: Path, sys: Path) -> Iterator[tuple[str, str]]:
    """Names with values; '' for what is not known."""
    model = _MODEL.search(_read(f"{proc}/cpuinfo", _CPUINFO_BYTES))
    yield "cpu.model", model[1].decode("utf-8", "replace").strip() if model else ""
    known = {name: _text(f"{sys}/class/dmi/id/{file}") for name, file in _DMI.items()}
    for name, value in known.items():
        yield f"machine.{name}", value
    yield "machine.cloud", cloud(" ".join([*known.values(), _text(f"{sys}/class/dmi/id/chassis_asset_tag")]))
    yield "kernel.command_line", scrub.command(_text(f"{proc}/cmdline").split())
    yield "kernel.mitigations", _mitigations(f"{sys}/devices/system/cpu/vulnerabilities")


def cloud(told: str) -> str:
    """Whose cloud, by what the machine's tables say."""
    lower = told.lower()
    return next((name for mark, name in _CLOUDS.items() if mark in lower), "")


def _mitigations(directory: str) -> str:
    """Names of those that cost time."""
    paths = sorted(Path(directory).glob("*"))
    return ",".join(path.name for path in paths if _text(str(path)).startswith("Mitigation"))


def _text(path: str) -> str:
    return _read(path).decode("utf-8", "replace").strip()


def _read(path: str, most: int | None = None) -> bytes:
    try:
        return procfs.read(path, most)
    except OSError:
        return b""
