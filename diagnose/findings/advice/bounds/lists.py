"""Bounds of kernel parameters that are several numbers, or a name."""

from __future__ import annotations

from dataclasses import replace

from diagnose.correlate.change import Change, Sysctl
from diagnose.findings.advice.bounds.bound import Bound, of_memory
from diagnose.findings.advice.machine import Machine
from diagnose.findings.advice.words import amount

# B; of every architecture that servers have but 64 kB ones, for which the bound errs to the small side
PAGE_BYTES = 4096
PORTS = "net.ipv4.ip_local_port_range"
# Below 1024 only root may bind; the last is what 16 bits hold.
FIRST_PORT, LAST_PORT = 1024, 65_535
# Largest of the three numbers, as a share of memory: the kernel's own default for tcp_mem is 9 %.
_THREE = {
    "net.ipv4.tcp_mem": (0.25, PAGE_BYTES, "pages of all TCP buffers"),
    "net.ipv4.udp_mem": (0.25, PAGE_BYTES, "pages of all UDP buffers"),
    "net.ipv4.tcp_rmem": (1 / 64, 1, "bytes of one receive buffer"),
    "net.ipv4.tcp_wmem": (1 / 64, 1, "bytes of one send buffer"),
}
_INT = (1 << 31) - 1


def bounded(change: Sysctl, machine: Machine) -> tuple[Change, str]:
    """Numbers in rising order within memory; ports that may be used; names as they are."""
    wanted = _numbers(change.proposed)
    if change.name == PORTS and len(wanted) == 2:
        ports = [min(LAST_PORT, max(FIRST_PORT, port)) for port in wanted]
        return _with(change, sorted(ports), "ports are 1024 to 65535")
    if change.name in _THREE and len(wanted) == 3:
        share, each, what = _THREE[change.name]
        bound = of_memory(machine, share, each, _INT, what)
        return _with(change, _scaled(wanted, _numbers(change.current), bound), bound.why)
    return change, ""


def _scaled(wanted: list[int], current: list[int], bound: Bound) -> list[int]:
    """All three in the same proportion where the largest is too much, each at least what it is now."""
    most = max(bound.highest, current[-1] if current else 0)
    if max(wanted) > most:
        wanted = [value * most // max(wanted) for value in wanted]
    if len(current) == len(wanted):
        wanted = [max(pair) for pair in zip(wanted, current, strict=True)]
    return sorted(wanted)


def _with(change: Sysctl, values: list[int], why: str) -> tuple[Change, str]:
    text = " ".join(map(str, values))
    cut = "" if text == change.proposed else f"{amount(str(change.proposed))} cut to {text}: {why}"
    return replace(change, proposed=text), cut


def _numbers(text: int | str) -> list[int]:
    words = str(text).split()
    return [int(word) for word in words] if all(word.isdecimal() for word in words) else []
