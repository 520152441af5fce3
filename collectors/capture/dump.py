"""One stack of every thread of Python processes, now: `py-spy dump`, which is never asked for local variables."""

from __future__ import annotations

import subprocess
import time

import msgspec

from collectors import wire
from collectors.capture import pythons, stacks
from collectors.capture.failures import CaptureError, explain
from collectors.capture.folded import UNNAMED, Frame
from collectors.capture.interned import Interned
from collectors.capture.kind import Request, Result, Watch
from collectors.capture.pyspy import child_environment, program
from collectors.columns import State
from collectors.processes.identity import Process

# Without a pause a thread may be caught between two states; then the whole look is taken again.
TRIES = 5
_SECONDS = 20.0


class _Frame(msgspec.Struct):
    name: str
    filename: str
    line: int = 0


class _Thread(msgspec.Struct):
    frames: list[_Frame]
    thread_name: str | None = None
    os_thread_id: int | None = None
    active: bool = False
    owns_gil: bool = False


def dump(request: Request, watch: Watch) -> Result:
    """Raises CaptureError when no process could be looked at."""
    processes = pythons.meant(request)
    start_ns, interned, count, failures = time.time_ns(), Interned(), 0, []
    seen = []
    for process in processes:
        watch.goes_on()
        try:
            threads = look(process.pid)
        except CaptureError as error:
            failures.append(str(error))
            continue
        seen.append(process)
        count += len(threads)
        _add(interned, process, threads, apart=len(processes) > 1)
    if not seen:
        raise CaptureError(failures[0])
    found = _packed(interned, seen, start_ns, request.id)
    partial = f"{' '.join(failures)} The {count} threads of the others are kept." if failures else ""
    return Result((found,), count, f"The stacks of {count} threads", partial)


def look(pid: int) -> list[_Thread]:
    """All threads, with or without a name. Raises CaptureError in plain words."""
    said = ""
    for _ in range(TRIES):
        ran = subprocess.run(
            [program(), "dump", "--pid", str(pid), "--json", "--nonblocking"],
            stdin=subprocess.DEVNULL,
            capture_output=True,
            timeout=_SECONDS,
            env=child_environment(),
            check=False,
        )
        if ran.returncode == 0:
            return msgspec.json.decode(ran.stdout, type=list[_Thread])
        said = (ran.stdout + ran.stderr).decode("utf-8", "replace")
    raise CaptureError(explain(pid, said))


def _add(interned: Interned, process: Process, threads: list[_Thread], *, apart: bool) -> None:
    root = (Frame(f"process {process.pid}", "", 0),) if apart else ()
    for thread in threads:
        frames = [Frame(frame.name, frame.filename, max(0, frame.line)) for frame in reversed(thread.frames)]
        state: State = "active" if thread.active else "idle"
        interned.add((*root, *frames), _name(thread), 1, state)


def _name(thread: _Thread) -> str:
    """Whole, with the id that other tools show: here one thread is looked for, not a kind of them."""
    number = "" if thread.os_thread_id is None else f" [{thread.os_thread_id}]"
    return f"{thread.thread_name or UNNAMED}{number}{' holds the GIL' if thread.owns_gil else ''}"


def _packed(interned: Interned, processes: list[Process], start_ns: int, capture_id: str) -> wire.Stacks:
    strings, columns = interned.columns()
    end_ns = time.time_ns()
    return wire.Stacks(
        type="wall",
        unit="samples",
        service=processes[0].service,
        labels=stacks.labels([process.pid for process in processes]),
        start_ns=start_ns,
        end_ns=end_ns,
        period=max(1, end_ns - start_ns),
        strings=strings,
        columns=columns,
        capture_id=capture_id,
    )
