"""Which Go processes serve profiles: those that the host's owner named, and those that are found to.

A process is looked at only when its program has net/http/pprof in it, which its file says. Then each address that it
listens on is asked once for `/debug/pprof/cmdline`, and has to know the process's own arguments.
"""

from __future__ import annotations

import ipaddress
import mmap
import os
from collections import OrderedDict
from collections.abc import Iterator, Sequence
from functools import cache
from pathlib import Path
from urllib.parse import urlsplit

from collectors.capture.choose import Denies
from collectors.capture.failures import CaptureError
from collectors.capture.golang.endpoint import Busy, Endpoint, alone
from collectors.kernel import procfs, sockdiag
from collectors.probe import NoData
from collectors.processes import identity, processtable, targets
from collectors.processes.identity import Process
from collectors.wire import CaptureTarget

_LINKED = b"net/http/pprof.Index"
_DESCRIPTORS_LOOKED_AT = 512
_MOST_ADDRESSES = 8
_KEPT = 1024
_LOCAL = {"localhost", "127.0.0.1", "::1"}

_Listeners = dict[int, list[sockdiag.Listener]]


class Endpoints:
    """Of one /proc. `named` are services with addresses, from the settings of the collector."""

    def __init__(self, proc: Path) -> None:
        self.named: tuple[tuple[str, str], ...] = ()
        self._proc = proc
        self._asked: OrderedDict[tuple[int, int], str] = OrderedDict()

    def all(self, denies: Denies, *, discover: bool) -> list[Endpoint]:
        """Each process once, without those whose owner keeps them."""
        processes = list(_go_processes(self._proc))
        listeners = _listeners(processes, self._proc)
        found = [_located(Endpoint.of(*each), processes, listeners) for each in self.named]
        if discover:
            told = {endpoint.pid for endpoint in found}
            others = [process for process in processes if process.pid not in told and not denies(process)]
            found += filter(None, (self._asked_for(each, listeners.get(each.pid, ())) for each in others))
        kept = {process.pid for process in processes if denies(process)}
        return [one for one in found if one.pid not in kept and not denies(_named(one.service))]

    def of_target(self, target: CaptureTarget, denies: Denies) -> Endpoint:
        """The process that a command means; the first of several. CaptureError when none serves profiles."""
        meant = [
            process
            for process in _go_processes(self._proc)
            if not denies(process) and targets.means(target, process, self._proc)
        ]
        pids = {process.pid for process in meant}
        for endpoint in self.all(denies, discover=False):
            if endpoint.pid in pids or (target.service and endpoint.service == target.service):
                return endpoint
        listeners = _listeners(meant, self._proc)
        for process in meant:
            if (serving := self._asked_for(process, listeners.get(process.pid, ()))) is not None:
                return serving
        raise CaptureError(_nobody(targets.in_words(target), meant))

    def _asked_for(self, process: Process, listeners: Sequence[sockdiag.Listener]) -> Endpoint | None:
        """Asked once in a process's life; an address that it opens later is found when it is restarted."""
        key = process.pid, process.start_ticks
        if key not in self._asked:
            if not listeners:
                return None
            self._asked[key] = _serving(process, listeners, self._proc)
            while len(self._asked) > _KEPT:
                self._asked.popitem(last=False)
        url = self._asked[key]
        return Endpoint(process.service, url, process.pid, process.start_ticks) if url else None


@cache
def of(proc: Path) -> Endpoints:
    """One for all of an agent."""
    return Endpoints(proc)


def _nobody(meant: str, processes: Sequence[Process]) -> str:
    if not processes:
        return f"No Go process of {meant} runs on this host now. Is it stopped, or renamed?"
    return (
        f"Process {processes[0].pid} ({processes[0].name}) of {meant} serves no /debug/pprof/ that can be reached: "
        "import net/http/pprof in it and listen on a local port, or name its address in go.targets of the collector."
    )


def _go_processes(proc: Path) -> Iterator[Process]:
    for stat in processtable.processes(proc):
        process = identity.describe(stat, proc)
        if process.runtime == "go" and stat.pid != os.getpid():
            yield process


def _named(service: str) -> Process:
    """What there is to know of a service that is known by its name only."""
    return Process(0, "", service, "go", 0)


def _listeners(processes: Sequence[Process], proc: Path) -> _Listeners:
    """By pid, of this network namespace; none when the kernel does not tell."""
    if not processes:
        return {}
    try:
        diag = sockdiag.SockDiag()
    except NoData:
        return {}
    try:
        sockets = {f"socket:[{listener.inode}]": listener for listener in diag.listeners()}
    except NoData:
        return {}
    finally:
        diag.close()
    return {
        process.pid: [
            sockets[link]
            for _, link in procfs.fd_links(proc, process.pid, _DESCRIPTORS_LOOKED_AT)
            if link in sockets
        ]
        for process in processes
    }


def _located(endpoint: Endpoint, processes: Sequence[Process], listeners: _Listeners) -> Endpoint:
    """With its process, where the address is of this host."""
    parts = urlsplit(endpoint.url)
    if parts.hostname not in _LOCAL:
        return endpoint
    for process in processes:
        if any(listener.port == parts.port for listener in listeners.get(process.pid, ())):
            return Endpoint(endpoint.service, endpoint.url, process.pid, process.start_ticks)
    return endpoint


def _serving(process: Process, listeners: Sequence[sockdiag.Listener], proc: Path) -> str:
    """The address at which the process serves profiles, '' when there is none."""
    if not _has_pprof(f"{proc}/{process.pid}/exe"):
        return ""
    try:
        arguments = procfs.read(f"{proc}/{process.pid}/cmdline").removesuffix(b"\0")
    except OSError:
        return ""
    for listener in listeners[:_MOST_ADDRESSES]:
        endpoint = Endpoint.of(process.service, f"http://{_reachable(listener)}")
        try:
            with alone(endpoint) as pull:
                if pull.fetch("cmdline") == arguments:
                    return endpoint.url
        except (CaptureError, Busy):
            continue
    return ""


def _reachable(listener: sockdiag.Listener) -> str:
    address = ipaddress.ip_address(listener.address)
    if address.is_unspecified:
        return f"127.0.0.1:{listener.port}"
    return listener.name


def _has_pprof(path: str) -> bool:
    """Whether the program's table of functions, which strip(1) leaves in, has the package's."""
    try:
        with open(path, "rb") as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as data:  # noqa: PTH123
            return data.find(_LINKED) >= 0
    except (OSError, ValueError):
        return False
