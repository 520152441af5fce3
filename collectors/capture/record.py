"""Records a Python process with py-spy for somebody who watches."""

from __future__ import annotations

from collectors import identity
from collectors.capture import choose, stacks
from collectors.capture.failures import CaptureError
from collectors.capture.kind import Request, Result, Watch
from collectors.capture.pyspy import Kind, Order, Recording, Run, program

TELL_SECONDS = 0.5
# A run lasts n ± √n periods; one that gave much less than asked for was cut short.
_WHOLE_SHARE = 0.8


def missing() -> str | None:
    """Why no Python process of this host can be captured."""
    try:
        program()
    except CaptureError as error:
        return str(error)
    return None


def record(kind: Kind, request: Request, watch: Watch) -> Result:
    pid = choose.resolve(request.target, request.proc)
    service = identity.service_of(pid, request.proc)
    order = Order(pid, kind, request.seconds, request.hz)
    with Run(order) as run:
        while not run.poll(TELL_SECONDS):
            if not watch.goes_on():
                run.end()
            _tell(run, watch)
        recording = run.recording()
    found = stacks.to_wire(recording, service, capture_id=request.id)
    count = found.columns.total
    words = f"{count} samples in {recording.seconds:.1f} s"
    return Result((found,), count, words, _cut_short(recording))


def _cut_short(recording: Recording) -> str:
    order = recording.order
    if recording.seconds >= _WHOLE_SHARE * order.seconds:
        return ""
    seconds = f"{recording.seconds:.1f} of {order.seconds} s"
    return f"Process {order.pid} or the collector ended after {seconds}; what was seen until then is kept."


def _tell(run: Run, watch: Watch) -> None:
    sampled, order = run.sampled_seconds(), run.order
    if sampled:
        words = f"Sampling process {order.pid}: {sampled:.0f} of {order.seconds} s"
        watch.tell(min(0.99, sampled / order.seconds), words)
