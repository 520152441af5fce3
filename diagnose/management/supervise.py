"""One process tree: starts services, joins their output, restarts what dies, leaves nothing behind.

Each service leads a process group of its own, so that whatever it started ends with it. The kernel sends it
SIGTERM when the supervisor dies (PR_SET_PDEATHSIG), and `keeper` ends what does not obey.
"""

from __future__ import annotations

import contextlib
import ctypes
import os
import resource
import selectors
import signal
import subprocess
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

from diagnose.management.keeper import Keeper

_PR_SET_PDEATHSIG = 1
_LIBC = ctypes.CDLL(None, use_errno=True)
_STEADY_SECONDS = 30.0  # a service that ran this long is restarted at once
_FIRST_WAIT_SECONDS = 0.5
_LONGEST_WAIT_SECONDS = 30.0
_ASK_EVERY_SECONDS = 0.1
_LONGEST_LINE_BYTES = 64 * 1024
# Each collector keeps its connections to web and stream open; systemd's soft limit of 1024 would be the fleet's.
_OPEN_FILES = 65_536


@dataclass(frozen=True, slots=True)
class Service:
    """Services of a higher `tier` are stopped before those of a lower one, which they need to stop in order.

    Lines that contain one of `unsaid` are not passed on: they are harmless and only worry people. What is to run
    `once` is not started again. `hindrance` is asked before each start: why it must not be started now, '' if it may.
    """

    name: str
    argv: Sequence[str]
    env: Mapping[str, str] = field(default_factory=dict)
    tier: int = 1
    unsaid: tuple[str, ...] = ()
    once: bool = False
    hindrance: Callable[[], str] = lambda: ""

    def says(self, line: str) -> bool:
        return bool(line.strip()) and not any(part in line for part in self.unsaid)


def _raise_open_files() -> None:
    """As far as the hard limit lets it."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft != resource.RLIM_INFINITY and soft < _OPEN_FILES:
        wanted = _OPEN_FILES if hard == resource.RLIM_INFINITY else min(_OPEN_FILES, hard)
        resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))


def wait_seconds(failures: int) -> float:
    """How long to wait before the next start after so many failures in a row."""
    return min(_LONGEST_WAIT_SECONDS, _FIRST_WAIT_SECONDS * 2.0 ** min(failures - 1, 10))


class Child:
    """A service, its process when it runs, and the line it has not finished writing."""

    def __init__(self, service: Service) -> None:
        self.service = service
        self.process: subprocess.Popen[bytes] | None = None
        self.started = 0.0
        self.failures = 0
        self.next_start = 0.0
        self.rest = b""

    def start(self) -> int:
        """Returns the group's id. Must be called from the main thread: the death signal follows the thread."""
        supervisor = os.getpid()

        def before_exec() -> None:
            _LIBC.prctl(_PR_SET_PDEATHSIG, signal.SIGTERM)
            _raise_open_files()
            if os.getppid() != supervisor:  # it died between fork and prctl
                os._exit(1)

        self.started, self.rest = time.monotonic(), b""
        self.process = subprocess.Popen(
            list(self.service.argv),
            # The product watches itself, too: its parts are told apart by these names, not all "granian".
            env={**os.environ, "DIAGNOSE_SERVICE": f"diagnose-{self.service.name}", **self.service.env},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            start_new_session=True,
            preexec_fn=before_exec,  # safe: the supervisor has one thread
        )
        assert self.process.stdout is not None
        os.set_blocking(self.process.stdout.fileno(), False)
        return self.process.pid

    def put_off(self, now: float) -> None:
        """Set the time of the next start, later after each failure."""
        steady = self.started and now - self.started > _STEADY_SECONDS
        self.failures = 1 if steady else self.failures + 1
        self.started, self.next_start = 0.0, now + wait_seconds(self.failures)

    def ask_to_end(self) -> None:
        """Only the leader is asked: it ends its own children in the order it knows."""
        if self.running() and self.process is not None:
            self.process.terminate()

    def kill_group(self) -> None:
        if self.process is not None:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(self.process.pid, signal.SIGKILL)

    def running(self) -> bool:
        return self.process is not None and self.process.poll() is None

    def split_lines(self, data: bytes) -> list[str]:
        """Whole lines of what was read; the rest waits for more, unless it grows without end."""
        *lines, self.rest = (self.rest + data).split(b"\n")
        if len(self.rest) > _LONGEST_LINE_BYTES:
            lines, self.rest = [*lines, self.rest], b""
        return [line.decode(errors="replace") for line in lines]


class Supervisor:
    """Used from the main thread: `start` services, `wait_for` what must be ready, `run`, and always `stop`."""

    def __init__(self, say: Callable[[str, str], None], grace_seconds: float = 8.0) -> None:
        self._say = say
        self._grace_seconds = grace_seconds
        self._children: list[Child] = []
        self._selector = selectors.DefaultSelector()
        self._stop_signals = 0
        self._keeper = Keeper(grace_seconds)
        self._wakeup_read, wakeup_write = os.pipe()
        os.set_blocking(self._wakeup_read, False)
        os.set_blocking(wakeup_write, False)
        signal.set_wakeup_fd(wakeup_write, warn_on_full_buffer=False)
        self._selector.register(self._wakeup_read, selectors.EVENT_READ, None)
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            signal.signal(number, self._on_stop_signal)
        signal.signal(signal.SIGCHLD, lambda *_: None)  # wakes the selector

    @property
    def stopping(self) -> bool:
        return self._stop_signals > 0

    def _on_stop_signal(self, *_: object) -> None:
        self._stop_signals += 1

    def start(self, service: Service) -> None:
        child = Child(service)
        self._children.append(child)
        self._launch(child)

    def wait_for(self, ready: Callable[[], bool], timeout_seconds: float) -> bool:
        """Pass on output and restart the dead until `ready` says so. False: in vain, or told to stop."""
        deadline = time.monotonic() + timeout_seconds
        while not self.stopping and time.monotonic() < deadline:
            if ready():
                return True
            self._serve(_ASK_EVERY_SECONDS)
        return False

    def _serve(self, seconds: float) -> None:
        until = time.monotonic() + seconds
        while not self.stopping and (left := until - time.monotonic()) > 0:
            self._pump(left)
            self._revive()

    def run(self) -> None:
        """Until SIGINT, SIGTERM or SIGHUP."""
        while not self.stopping:
            self._serve(1.0)

    def pid_of(self, name: str) -> int | None:
        """Of the service's present process."""
        for child in self._children:
            if child.service.name == name and child.process is not None:
                return child.process.pid
        return None

    def end(self, *names: str) -> None:
        """Stop these services for good; the others go on."""
        leaving = [child for child in reversed(self._children) if child.service.name in names]
        self._children = [child for child in self._children if child not in leaving]
        self._end(leaving)

    def stop(self) -> None:
        """Last started first, the lowest tier at the very end; a second signal from the user cuts it short."""
        for tier in sorted({child.service.tier for child in self._children}, reverse=True):
            self._end([child for child in reversed(self._children) if child.service.tier == tier])
        self._children = []
        self._pump(0)
        self._keeper.dismiss()

    def _end(self, leaving: list[Child]) -> None:
        for child in leaving:
            child.ask_to_end()
        deadline = time.monotonic() + self._grace_seconds
        while any(child.running() for child in leaving):
            if time.monotonic() > deadline or self._stop_signals > 1:
                break
            self._pump(0.1)
        for child in leaving:
            self._bury(child)

    def _launch(self, child: Child) -> None:
        if reason := child.service.hindrance():
            child.put_off(time.monotonic())
            self._say(child.service.name, f"{reason}; trying again in {wait_seconds(child.failures):g} s")
            return
        self._keeper.watch(child.start())
        assert child.process is not None
        self._selector.register(child.process.stdout, selectors.EVENT_READ, child)  # type: ignore[arg-type]

    def _bury(self, child: Child) -> None:
        """Kill what is left of the group (workers of a dead web server hold its port) and reap the leader."""
        if child.process is None:
            return
        child.kill_group()
        child.process.wait()
        self._keeper.forget(child.process.pid)

    def _revive(self) -> None:
        now = time.monotonic()
        for child in list(self._children):
            if child.process is not None and not child.running():
                self._note_end(child, now)
            if child.process is None and child.service.once:
                self._children.remove(child)
            elif child.process is None and now >= child.next_start:
                self._launch(child)

    def _note_end(self, child: Child, now: float) -> None:
        """Reap it, and set the time of its next start."""
        assert child.process is not None
        code = child.process.returncode
        self._bury(child)
        child.process = None
        child.put_off(now)
        again = "" if child.service.once else f"; starting it again in {wait_seconds(child.failures):g} s"
        self._say("up", f"{child.service.name} ended ({_ending(code)}){again}")

    def _pump(self, timeout_seconds: float) -> None:
        for key, _ in self._selector.select(timeout_seconds):
            with contextlib.suppress(BlockingIOError):
                data = os.read(key.fd, 65536)
                if key.data is None:
                    continue
                for line in filter(key.data.service.says, key.data.split_lines(data)):
                    self._say(key.data.service.name, line)
                if not data:
                    self._selector.unregister(key.fileobj)
                    os.close(key.fd) if isinstance(key.fileobj, int) else key.fileobj.close()  # type: ignore[attr-defined]


def _ending(code: int) -> str:
    return f"exit code {code}" if code >= 0 else signal.Signals(-code).name
