"""Runs `py-spy record` as a child that leaves nothing behind: its output goes to anonymous memory, never to a file,
and it dies with the thread that started it.

`--nonblocking` but for native frames: the default pauses the target at each sample and was reported to slow one with
159 threads 5 to 15 times. py-spy pauses by ptrace, which the kernel undoes when the tracer dies: killing the sampler
at any moment harms nobody.
"""

from __future__ import annotations

import ctypes
import os
import re
import select
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import IO, Literal, Self

from collectors.capture import folded
from collectors.capture.failures import CaptureError, explain

Kind = Literal["cpu", "gil", "wall", "native"]

_PR_SET_PDEATHSIG = 1
_SITE = Path(__file__).resolve().parents[2]
_LIBC = ctypes.CDLL(None, use_errno=True)
# py-spy refuses --native together with --nonblocking.
_FLAGS: dict[Kind, tuple[str, ...]] = {
    "cpu": ("--nonblocking",),
    "gil": ("--nonblocking", "--gil"),
    "wall": ("--nonblocking", "--idle"),
    "native": ("--native",),
}
_SUMMARY = re.compile(r"Samples: (?P<samples>\d+) Errors: (?P<errors>\d+)")
_STARTED = "Sampling process"
_CUT = re.compile(r"Stopped sampling because (?P<why>.+)")
CUT_BY_EXIT = "process exited"
_BEHIND = "behind in sampling"
# py-spy draws the waits between samples from an exponential distribution, so that a run of n samples lasts
# n ± √n periods; one that takes three times as long and ten seconds more is stuck.
_STUCK_FACTOR, _STUCK_SECONDS = 3.0, 10.0
# So long it may take to write what it has.
_WRITING_SECONDS = 5.0


@dataclass(frozen=True, slots=True)
class Order:
    """What to record. py-spy takes whole seconds and whole samples a second."""

    pid: int
    kind: Kind
    seconds: int
    hz: int


@dataclass(frozen=True, slots=True)
class Recording:
    """What a run gave. `ticks` is how often the process was looked at; `cpu_seconds` is what the looking cost.

    `cut` is why it ended before its time, in py-spy's words, '' when it did not.
    """

    order: Order
    text: str
    start_ns: int
    end_ns: int
    ticks: int
    cpu_seconds: float
    cut: str = ""

    @property
    def samples(self) -> int:
        return folded.samples_by_thread(self.text).total()

    @property
    def seconds(self) -> float:
        return (self.end_ns - self.start_ns) / 1e9


def program() -> str:
    """py-spy beside this interpreter, else what the collector that is one file unpacked, else on PATH. CaptureError."""
    beside = (Path(sys.executable).parent / "py-spy", _SITE / "bin" / "py-spy")
    found = next((str(path) for path in beside if path.exists()), None) or shutil.which("py-spy")
    if found is None:
        raise CaptureError(
            "py-spy is not installed beside the collector: "
            "install the distribution py-spy into its virtual environment."
        )
    return found


def child_environment() -> dict[str, str]:
    """Nothing of the collector's own, which may hold its token."""
    return {"PATH": os.defpath, "LANG": "C.UTF-8"}


class Run:
    """One py-spy at work. Use it as a context manager: leaving it kills the child and frees its memory."""

    def __init__(self, order: Order) -> None:
        self.order = order
        self.cpu_seconds = 0.0
        self._output = os.memfd_create("py-spy-output")
        self._said = b""
        self._began = time.monotonic()
        self._sampling_since: float | None = None
        self._ended: float | None = None
        self._asked_to_end = False
        self._start_ns = 0
        try:
            self._child = self._spawn()
        except BaseException:
            os.close(self._output)
            raise

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: TracebackType | type[BaseException] | BaseException | None) -> None:
        self.close()

    @property
    def pid(self) -> int:
        """Of py-spy."""
        return self._child.pid

    def fileno(self) -> int:
        """Readable when py-spy said something or ended, so that runs can stand in a selector."""
        return self._pipe().fileno()

    def poll(self, seconds: float = 0.0) -> bool:
        """Wait up to `seconds` for news; True once py-spy has ended (then take `recording`)."""
        if self._ended is not None:
            return True
        self._hurry()
        waiting = select.poll()  # select.select refuses descriptors above 1023
        waiting.register(self.fileno(), select.POLLIN | select.POLLHUP)
        if waiting.poll(seconds * 1000):
            said = os.read(self.fileno(), 1 << 16)
            self._said += said
            self._mark_start()
            if not said:
                self._reap()
        return self._ended is not None

    def recording(self) -> Recording:
        """The result of a run that has ended. CaptureError in plain words when py-spy failed."""
        said = self._said.decode("utf-8", "replace")
        if self._child.returncode != 0 or self._sampling_since is None:
            raise CaptureError(
                f"py-spy did not end by itself while sampling process {self.order.pid} and was stopped. "
                "Try a lower rate."
                if self._child.returncode == -signal.SIGKILL
                else explain(self.order.pid, said)
            )
        text = os.pread(self._output, os.fstat(self._output).st_size, 0).decode("utf-8", "replace")
        end_ns = self._start_ns + round(self.sampled_seconds() * 1e9)
        ticks, cut = self._ticks(said, text), _cut(said)
        return Recording(self.order, text, self._start_ns, end_ns, ticks, self.cpu_seconds, cut)

    def sampled_seconds(self) -> float:
        """Since py-spy began to sample; 0 while it still looks for the interpreter."""
        if self._sampling_since is None:
            return 0.0
        return (time.monotonic() if self._ended is None else self._ended) - self._sampling_since

    def end(self) -> None:
        """Ask py-spy to write what it has now and to end; `poll` tells when it has."""
        if self._ended is None:
            self._asked_to_end = True
            self._signal(signal.SIGINT)

    def close(self) -> None:
        """Kill the child if it still runs, and free what it held. May be called twice."""
        if self._output < 0:
            return
        if self._ended is None:
            self._signal(signal.SIGKILL)
            self._reap()
        self._pipe().close()
        os.close(self._output)
        self._output = -1

    def _spawn(self) -> subprocess.Popen[bytes]:
        order = self.order
        target = f"/proc/self/fd/{self._output}"
        argv = [program(), "record", "--pid", str(order.pid), "--threads"]
        argv += ["--full-filenames", "--format", "raw", "--output", target, *_FLAGS[order.kind]]
        argv += ["--duration", str(order.seconds), "--rate", str(order.hz)]
        return subprocess.Popen(
            argv,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            pass_fds=(self._output,),
            env=child_environment(),
            start_new_session=True,  # the terminal's Ctrl-C is for the collector, which ends its runs itself
            preexec_fn=_die_with(os.getpid()),
        )

    def _pipe(self) -> IO[bytes]:
        pipe = self._child.stdout
        assert pipe is not None
        return pipe

    def _mark_start(self) -> None:
        if self._sampling_since is None and _STARTED.encode() in self._said:
            self._sampling_since, self._start_ns = time.monotonic(), time.time_ns()

    def _signal(self, number: signal.Signals) -> None:
        """Popen.send_signal would reap a child that has just ended, and what it cost would be lost."""
        os.kill(self._child.pid, number)

    def _hurry(self) -> None:
        """One that cannot keep up is to write what it has; one that does not even do that is killed."""
        late = time.monotonic() - self._began - (self.order.seconds * _STUCK_FACTOR + _STUCK_SECONDS)
        if late > _WRITING_SECONDS:
            self._signal(signal.SIGKILL)
        elif late > 0 and not self._asked_to_end:
            self.end()

    def _reap(self) -> None:
        """wait4 rather than Popen.wait: it alone tells what this one child cost."""
        _, status, usage = os.wait4(self._child.pid, 0)
        self._child.returncode = os.waitstatus_to_exitcode(status)
        self.cpu_seconds = usage.ru_utime + usage.ru_stime
        self._ended = time.monotonic()

    def _ticks(self, said: str, text: str) -> int:
        """A full run ends in place of its last sample; a failed look counts as an error and gives no stacks."""
        ticks = self.order.seconds * self.order.hz - 1
        if _cut(said):
            ticks = min(ticks, round(self.sampled_seconds() * self.order.hz))
            if _BEHIND in said:  # it looked less often than asked: at least as often as it saw any one thread
                return max(folded.samples_by_thread(text).values(), default=1)
        summary = _SUMMARY.search(said)
        return max(1, ticks - (int(summary["errors"]) if summary else 0))


def _cut(said: str) -> str:
    found = _CUT.search(said)
    return found["why"].strip() if found else ""


def _die_with(parent: int) -> Callable[[], None]:
    """For the child, between fork and exec: the kernel kills it when the thread that started it ends."""

    def prepare() -> None:
        _LIBC.prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
        if os.getppid() != parent:  # the parent died before the line above
            os._exit(1)

    return prepare
