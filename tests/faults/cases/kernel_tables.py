"""Tables and limits of the whole kernel: connection tracking, orphans, open files."""

from __future__ import annotations

from pathlib import Path

from tests.faults.case import Case, Knobs
from tests.faults.stage import Stage

PORT = 7801
_SYS = Path("/proc/sys")
_TRACK = "table inet track { chain in { type filter hook input priority 0; ct state new accept; }; }\n"


def conntrack(stage: Stage, knobs: Knobs) -> None:
    stage.nft(_TRACK)
    stage.host_file(_SYS / "net/netfilter/nf_conntrack_max", int(knobs["entries"]))
    stage.program("server.py", PORT)
    stage.wait_for_listener(PORT)
    stage.begin()
    stage.program("client.py", f"127.0.0.1:{PORT}", "--rate", knobs["rate"])


def orphans(stage: Stage, knobs: Knobs) -> None:
    """Senders close with data under way to a peer that does not read."""
    stage.host_file(_SYS / "net/ipv4/tcp_max_orphans", int(knobs["most"]))
    path = stage.path(delay_seconds=0.001)
    stage.program("bulk.py", "receive", f"10.99.0.2:{PORT}", "--pause", 3600, "--bytes", 1, where=path.there)
    stage.begin()
    size = 3_000_000
    stage.program(
        "bulk.py", "send", f"10.99.0.2:{PORT}", "--connections", 40, "--close-after", size, "--bytes", 65536
    )


CASES = [
    Case(
        name="conntrack-full",
        family="kernel-tables",
        story="The table of tracked connections is full: new connections are dropped before any socket sees them.",
        fix="A larger nf_conntrack_max, or not tracking what needs none.",
        truth=("network.conntrack_full",),
        play=conntrack,
        intensities={"small": {"entries": 300, "rate": 30}, "larger": {"entries": 1000, "rate": 80}},
        needs=("nft",),
        alone=True,
    ),
    Case(
        name="orphans",
        family="kernel-tables",
        story="Senders close with data under way to a peer that does not read, more than the machine lets go on alone.",
        fix="Give such peers up sooner, or a higher tcp_max_orphans.",
        truth=("network.orphan_sockets",),
        play=orphans,
        intensities={"usual": {"most": 64}},
        alone=True,
    ),
    Case(
        name="conntrack-high-but-stable",
        family="kernel-tables",
        story="Many tracked connections, and room for as many again.",
        fix="",
        truth=(),
        play=conntrack,
        intensities={"usual": {"entries": 20000, "rate": 60}},
        needs=("nft",),
        alone=True,
        lookalike_of="conntrack-full",
    ),
]
