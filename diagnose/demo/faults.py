"""The three faults of the demo: what is wrong, how it is made, and which rule should tell."""

from __future__ import annotations

import sys
from dataclasses import dataclass
from pathlib import Path

from diagnose.management.supervise import Service

_HERE = Path(__file__).resolve().parent


@dataclass(frozen=True, slots=True)
class Fault:
    """`rules`: any of these, about the shop's own process, counts as found; the first is the one to expect."""

    name: str
    story: str
    rules: tuple[str, ...]
    shop: tuple[str, ...]
    load: tuple[str, ...]


FAULTS = (
    Fault(
        "gil",
        "The shop computes prices by trying every combination of vouchers, in pure Python, with eight customers "
        "asking at once: one thread has the interpreter lock, the others wait for it.",
        ("python.gil_contention", "app.hot_function"),
        ("--fault", "hot-function"),
        ("--customers", "8", "--path", "/price", "--pause", "0"),
    ),
    Fault(
        "backlog",
        "The shop listens with a backlog of 8, and every two seconds 300 customers come at the same moment.",
        ("network.accept_queue_overflow",),
        ("--backlog", "8"),
        ("--burst", "300", "--every", "2"),
    ),
    Fault(
        "fds",
        "The shop may open 256 files, and it forgets to close the receipt of each order.",
        ("limits.process_fds",),
        ("--fault", "fd-leak", "--open-files", "256"),
        ("--orders-per-second", "4"),
    ),
)


def shop(fault: Fault, port: int, directory: Path) -> Service:
    argv = [sys.executable, str(_HERE / "shop.py"), "--port", str(port), "--directory", str(directory)]
    return Service("shop", [*argv, *fault.shop])


def load(fault: Fault, port: int) -> Service:
    return Service("load", [sys.executable, str(_HERE / "load.py"), "--port", str(port), *fault.load])
