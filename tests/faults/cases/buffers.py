"""Who holds a transfer back: the peer's window, the reader, the sender's buffer, or nobody."""

from __future__ import annotations

from tests.faults.case import Advice, Case, Knobs
from tests.faults.stage import Stage

PORT = 7401
_DELAY_SECONDS = 0.01


def small_receive_buffer(stage: Stage, knobs: Knobs) -> None:
    path = stage.path(delay_seconds=_DELAY_SECONDS)
    stage.program(
        "bulk.py", "receive", f"10.99.0.2:{PORT}", "--buffer", int(knobs["buffer"]), where=path.there
    )
    stage.begin()
    stage.program("bulk.py", "send", f"10.99.0.2:{PORT}")


def slow_reader(stage: Stage, knobs: Knobs) -> None:
    stage.program("bulk.py", "receive", f"127.0.0.1:{PORT}", "--pause", knobs["pause"])
    stage.wait_for_listener(PORT)
    stage.begin()
    stage.program("bulk.py", "send", f"127.0.0.1:{PORT}", "--connections", int(knobs["connections"]))


def small_send_buffer(stage: Stage, knobs: Knobs) -> None:
    path = stage.path(delay_seconds=_DELAY_SECONDS)
    stage.program("bulk.py", "receive", f"10.99.0.2:{PORT}", where=path.there)
    stage.begin()
    stage.program("bulk.py", "send", f"10.99.0.2:{PORT}", "--buffer", int(knobs["buffer"]))


def nothing_more_to_send(stage: Stage, _: Knobs) -> None:
    path = stage.path(delay_seconds=_DELAY_SECONDS)
    stage.program("bulk.py", "receive", f"10.99.0.2:{PORT}", where=path.there)
    stage.begin()
    stage.program("bulk.py", "send", f"10.99.0.2:{PORT}", "--pause", 0.1)


def short_of_tcp_memory(stage: Stage, knobs: Knobs) -> None:
    """The reader's control group may hold little memory in sockets."""
    group = stage.cgroup("memory", memory__kmem__tcp__limit_in_bytes=int(knobs["limit"]))
    program = str(stage.program_path("bulk.py"))
    stage.start_in(group, stage.python, program, "receive", f"127.0.0.1:{PORT}", "--pause", "0.005")
    stage.wait_for_listener(PORT)
    stage.begin()
    stage.program("bulk.py", "send", f"127.0.0.1:{PORT}", "--connections", 4)


def leave_it_to_the_kernel(stage: Stage, _: Advice) -> None:
    """The receiver first: a sender that meets nobody ends."""
    for role in ("receive", "send"):
        stage.restart("bulk.py", role, without=["--buffer"])


def read_on(stage: Stage, _: Advice) -> None:
    for role in ("receive", "send"):
        stage.restart("bulk.py", role, without=["--pause"])


CASES = [
    Case(
        name="small-receive-buffer",
        family="buffers",
        story="The receiver set a small SO_RCVBUF, and the way there and back takes 20 ms.",
        fix="Leave the receive buffer to auto-tuning.",
        truth=("network.receive_window_limited",),
        play=small_receive_buffer,
        follow=leave_it_to_the_kernel,
        intensities={"tiny": {"buffer": 4096}, "small": {"buffer": 16384}},
        lookalike_of="slow-reader",
    ),
    Case(
        name="slow-reader",
        family="buffers",
        story="The reader takes a little at a time and rests.",
        fix="A reader that keeps up.",
        truth=("app.slow_reader",),
        play=slow_reader,
        follow=read_on,
        intensities={"one": {"pause": 0.1, "connections": 1}, "four": {"pause": 0.05, "connections": 4}},
        lookalike_of="small-receive-buffer",
    ),
    Case(
        name="small-send-buffer",
        family="buffers",
        story="The sender set a small SO_SNDBUF, and the way there and back takes 20 ms.",
        fix="Leave the send buffer to auto-tuning.",
        truth=("network.send_buffer_limited",),
        play=small_send_buffer,
        follow=leave_it_to_the_kernel,
        intensities={"tiny": {"buffer": 8192}, "small": {"buffer": 32768}},
        lookalike_of="small-receive-buffer",
    ),
    Case(
        name="nothing-more-to-send",
        family="buffers",
        story="A sender that writes now and then; nothing holds it back.",
        fix="",
        truth=(),
        play=nothing_more_to_send,
        lookalike_of="small-send-buffer",
    ),
    Case(
        name="short-of-tcp-memory",
        family="buffers",
        story="The control group of the reader may hold little memory in TCP sockets: what arrives is dropped.",
        fix="A higher limit, or less that waits unread.",
        truth=("network.tcp_memory_pressure",),
        play=short_of_tcp_memory,
        intensities={"usual": {"limit": 262144}},
        lookalike_of="slow-reader",
    ),
]
