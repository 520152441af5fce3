"""Name servers that are slow, or lose questions."""

from __future__ import annotations

import shlex

from tests.faults.case import Case, Knobs
from tests.faults.stage import Stage


def asked(stage: Stage, knobs: Knobs) -> None:
    """/etc/resolv.conf is another one for who asks, in a mount namespace of its own."""
    arguments = [f"--{name}={value}" for name, value in knobs.items()]
    stage.program("names.py", "serve", *arguments)
    stage.begin()
    ask = shlex.join([stage.python, str(stage.program_path("names.py")), "ask"])
    script = (
        "file=$(mktemp) && echo nameserver 127.0.0.1 > $file && mount --bind $file /etc/resolv.conf && "
        f"rm $file && exec {ask}"
    )
    stage.start("unshare", "--mount", "sh", "-c", script)


CASES = [
    Case(
        name="slow-name-server",
        family="names",
        story="The name server takes a third of a second for every answer, or loses one question in seven.",
        fix="A cache on the host, another name server.",
        truth=("network.dns_slow",),
        play=asked,
        intensities={"late": {"delay": 0.3}, "lossy": {"lose": 0.15}},
    ),
    Case(
        name="far-name-server",
        family="names",
        story="Answers take 30 ms, and one in a hundred half a second: a server that has to ask others now and then.",
        fix="",
        truth=(),
        play=asked,
        intensities={"near": {"delay": 0.03}, "seldom-late": {"delay": 0.5, "late-share": 0.01}},
        lookalike_of="slow-name-server",
    ),
]
