"""TLS handshakes: all of them full, or resumed, or few."""

from __future__ import annotations

import subprocess

from tests.faults.case import Case, Knobs
from tests.faults.stage import Stage

PORT = 7401
_SELF_SIGNED = ("openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj", "/CN=shop")


def server(stage: Stage, _: Knobs) -> None:
    folder = stage.folder()
    certificate, key = folder / "shop.crt", folder / "shop.key"
    argv = [*_SELF_SIGNED, "-out", str(certificate), "-keyout", str(key)]
    subprocess.run(argv, check=True, capture_output=True)
    stage.program("secure.py", "serve", PORT, certificate, key)
    stage.wait_for_listener(PORT)


def full(stage: Stage, knobs: Knobs) -> None:
    stage.program("secure.py", "ask", PORT, "--rate", knobs["rate"])


def resumed(stage: Stage, knobs: Knobs) -> None:
    stage.program("secure.py", "ask", PORT, "--rate", knobs["rate"], "--resume")


def kept(stage: Stage, knobs: Knobs) -> None:
    stage.program("secure.py", "ask", PORT, "--rate", knobs["rate"], "--requests", 50)


CASES = [
    Case(
        name="no-session-resumed",
        family="tls",
        story="The same clients come again and again, and do the whole handshake each time.",
        fix="Session tickets that clients keep; connections that are kept.",
        truth=("network.tls_full_handshakes",),
        play=full,
        set_up=server,
        intensities={"usual": {"rate": 100}, "some": {"rate": 70}},
        needs=("openssl",),
    ),
    Case(
        name="sessions-resumed",
        family="tls",
        story="As many handshakes, nearly all of which resume a session.",
        fix="",
        truth=(),
        play=resumed,
        set_up=server,
        intensities={"usual": {"rate": 100}},
        lookalike_of="no-session-resumed",
        needs=("openssl",),
    ),
    Case(
        name="few-handshakes",
        family="tls",
        story="Full handshakes, but fifty requests on each connection.",
        fix="",
        truth=(),
        play=kept,
        set_up=server,
        intensities={"usual": {"rate": 8}},
        lookalike_of="no-session-resumed",
        needs=("openssl",),
    ),
]
