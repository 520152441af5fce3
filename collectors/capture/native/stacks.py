"""Addresses that a program counted become frames, root first: the user's, then the kernel's."""

from __future__ import annotations

import re
from collections.abc import Sequence

from collectors.capture.folded import Frame, thread_name
from collectors.capture.native.counted import MOST_FRAMES, Addresses
from collectors.capture.native.ended import is_whole, without_rubbish
from collectors.capture.native.symbols import Process, Symbols

# In the place of what lies further out, which nobody knows.
TRUNCATED = Frame("[truncated]", "", 0)
# The process was gone before its addresses could be named; its name is its thread's.
ENDED = Frame("[ended]", "", 0)
LOST = Frame("[stack lost]", "", 0)
_SWITCH = "__schedule"
_NUMBERS = re.compile(r"\d+")


def of_user(process: Process | None, addresses: Addresses | None) -> list[Frame]:
    """Root first, with TRUNCATED there when the chain of frame pointers does not lead to where the thread began."""
    if addresses is None:
        return [LOST]
    if process is None:
        return [ENDED] if addresses else []
    frames = without_rubbish([process.frame_at(address) for address in calls(addresses)])
    frames.reverse()
    if len(addresses) >= MOST_FRAMES or not is_whole(frames):
        return [TRUNCATED, *frames]
    return frames


def calls(addresses: Sequence[int]) -> list[int]:
    """Leaf first: where the leaf is, and of the others the call. They are known by where they will return to, and that
    is another function when the one that was called never returns."""
    return [*addresses[:1], *(address - 1 for address in addresses[1:])]


def of_kernel(symbols: Symbols, addresses: Addresses) -> list[Frame]:
    """Root first."""
    frames = [symbols.kernel_frame(address) for address in calls(addresses)]
    frames.reverse()
    return frames


def named_thread(thread: str, of_kernel_only: bool) -> str:
    """Of the kernel's own threads all numbers go: there is one for each CPU and device, and more come and go."""
    return _NUMBERS.sub("N", thread.partition("-")[0]) if of_kernel_only else thread_name(thread)


def without_tracer(frames: Sequence[Frame]) -> list[Frame]:
    """Root first, of a switch: it ends where the kernel chose another thread, and what is further in is how we look."""
    names = [frame.name for frame in frames]
    return list(frames[: names.index(_SWITCH) + 1]) if _SWITCH in names else list(frames)
