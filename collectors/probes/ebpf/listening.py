"""Which listener a connection came to, by its local end."""

from __future__ import annotations

from pathlib import Path

from collectors.kernel import netns
from collectors.kernel.sockdiag import SockDiag
from collectors.probe import NoData
from collectors.probes.ebpf.endpoints import ANY_V4, Endpoint, shown


class Listening:
    """The listeners of the collector's own network namespace, as they are now. Others' go by the connection's end."""

    def __init__(self, proc: Path) -> None:
        self._own = netns.inode_of(proc, "self")
        self._names = _names()

    def name_of(self, end: Endpoint) -> str:
        """The listener's own address where it is known: of a listener on all addresses 0.0.0.0 or [::]."""
        everywhere = (f"{shown(address)}:{end.port}" for address in (ANY_V4, bytes(16)))
        for name in (end.name, *everywhere):
            if end.netns == self._own and name in self._names:
                return name
        return end.name


def _names() -> frozenset[str]:
    try:
        diag = SockDiag()
        try:
            return frozenset(listener.name for listener in diag.listeners())
        finally:
            diag.close()
    except NoData:
        return frozenset()
