"""Records a Python process with py-spy for somebody who watches."""

from __future__ import annotations

from collectors import identity
from collectors.capture import choose, stacks
from collectors.capture.kind import Request, Result, Watch
from collectors.capture.pyspy import Kind, Order, Run

TELL_SECONDS = 0.5


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
    return Result((found,), count, f"{count} samples in {recording.seconds:.1f} s")


def _tell(run: Run, watch: Watch) -> None:
    sampled, order = run.sampled_seconds(), run.order
    if sampled:
        words = f"Sampling process {order.pid}: {sampled:.0f} of {order.seconds} s"
        watch.tell(min(0.99, sampled / order.seconds), words)
