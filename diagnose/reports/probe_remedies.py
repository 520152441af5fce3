"""How to get what a probe lacks: its reason is in the collector's words, the remedy is for the owner of the host."""

from __future__ import annotations

import re

from diagnose.store.hosts import SWITCHED_OFF

_CAPABILITY = re.compile(r"CAP_[A-Z_]+")
_REMEDIES: tuple[tuple[str, str], ...] = (
    (rf"^{SWITCHED_OFF}", "remove that setting on the host, and start the collector again"),
    (r"^rests:", "raise its budget, or switch off dear probes, in /etc/diagnose/collector.toml"),
    (r"too old: .* need (?P<what>[\d.]+)", "Linux {what} or newer"),
    (r"psi=1", "a kernel that is started with psi=1"),
    (r"(?P<what>CONFIG_\w+)", "a kernel built with {what}, as distributions' own mostly are"),
    (r"lacks a tracepoint or field", "a newer kernel; the collector's README has which one"),
    (r"py-spy is not installed", "install the collector again, with all that it depends on"),
    (r"processes has not chosen", "the probe processes has to be on; it chooses within a minute"),
    (r"nf_conntrack is not loaded", "nothing, unless a firewall here is to track connections"),
    (r"usual in a virtual machine|has no network card|systemd does not run", "nothing: this host has none"),
    (r"run the collector as root|may not be read", "run it as root, or with the capabilities of its unit"),
)


def remedy(reason: str) -> str:
    """In a few words; '' when nothing is known that would help."""
    capabilities = list(dict.fromkeys(_CAPABILITY.findall(reason)))
    if capabilities:
        names = " ".join(capabilities)
        return f"AmbientCapabilities={names} (CapabilityBoundingSet too) in its unit, or run it as root"
    for pattern, words in _REMEDIES:
        if found := re.search(pattern, reason):
            return words.format(**found.groupdict())
    return ""
