"""Connections that are not closed, broken off, refused, or opened anew for every request."""

from __future__ import annotations

from tests.faults.case import Advice, Case, Knobs
from tests.faults.stage import Stage

PORT = 7301


def never_closed(stage: Stage, knobs: Knobs) -> None:
    stage.program("server.py", PORT, "--never-close")
    stage.wait_for_listener(PORT)
    stage.begin()
    stage.program("client.py", f"127.0.0.1:{PORT}", "--rate", knobs["rate"])


def closed_a_little_late(stage: Stage, _: Knobs) -> None:
    """Two dozen connections are in CLOSE_WAIT at any time, each for two seconds."""
    stage.program("server.py", PORT, "--delay", 2)
    stage.wait_for_listener(PORT)
    stage.begin()
    stage.program("client.py", f"127.0.0.1:{PORT}", "--rate", 12, "--hang-up")


def broken_off(stage: Stage, knobs: Knobs) -> None:
    stage.program("server.py", PORT, "--reset")
    stage.wait_for_listener(PORT)
    stage.begin()
    stage.program("client.py", f"127.0.0.1:{PORT}", "--rate", knobs["rate"])


def refused(stage: Stage, knobs: Knobs) -> None:
    """The server is gone, its clients try on."""
    server = stage.program("server.py", PORT)
    stage.wait_for_listener(PORT)
    stage.program("client.py", f"127.0.0.1:{PORT}", "--rate", knobs["rate"])
    stage.begin()
    server.kill()


def a_health_check_fails(stage: Stage, _: Knobs) -> None:
    """One probe a second is refused; everything else goes well."""
    stage.program("server.py", PORT)
    stage.wait_for_listener(PORT)
    stage.program("client.py", f"127.0.0.1:{PORT}", "--rate", 20)
    stage.begin()
    stage.program("client.py", f"127.0.0.1:{PORT + 1}", "--rate", 1)


def no_keep_alive(stage: Stage, knobs: Knobs) -> None:
    stage.program("server.py", PORT)
    stage.wait_for_listener(PORT)
    stage.begin()
    stage.program("client.py", f"127.0.0.1:{PORT}", "--rate", knobs["rate"])


def left_open(stage: Stage, knobs: Knobs) -> None:
    """Clients ask once and keep the connection, as if they had forgotten it."""
    stage.program("server.py", PORT, "--open-files", int(knobs["files"]))
    stage.wait_for_listener(PORT)
    stage.begin()
    stage.program("client.py", f"127.0.0.1:{PORT}", "--rate", knobs["rate"], "--pause", 3600)


def long_polls(stage: Stage, _: Knobs) -> None:
    """Three hundred clients that hear something every twenty seconds."""
    stage.program("server.py", PORT, "--open-files", 1024)
    stage.wait_for_listener(PORT)
    stage.begin()
    stage.program("client.py", f"127.0.0.1:{PORT}", "--kept", 300, "--pause", 20)


def kept_alive(stage: Stage, _: Knobs) -> None:
    stage.program("server.py", PORT)
    stage.wait_for_listener(PORT)
    stage.begin()
    stage.program("client.py", f"127.0.0.1:{PORT}", "--kept", 20, "--pause", 0.1)


def close_them(stage: Stage, _: Advice) -> None:
    stage.restart("server.py", without=["--never-close"])


def close_in_peace(stage: Stage, _: Advice) -> None:
    stage.restart("server.py", without=["--reset"])


def start_it(stage: Stage, _: Advice) -> None:
    stage.program("server.py", PORT)


def keep_connections(stage: Stage, _: Advice) -> None:
    stage.restart("client.py", without=["--rate"], more=["--kept", 20, "--pause", 0.1])


CASES = [
    Case(
        name="close-wait-leak",
        family="connections",
        story="Clients hang up and the server never closes its end.",
        fix="close() on every path.",
        truth=("network.close_wait_leak",),
        play=never_closed,
        follow=close_them,
        intensities={"slow": {"rate": 3}, "fast": {"rate": 15}},
        smoke=True,
    ),
    Case(
        name="closed-a-little-late",
        family="connections",
        story="The server answers after two seconds, when its clients have hung up, and closes then.",
        fix="",
        truth=(),
        play=closed_a_little_late,
        lookalike_of="close-wait-leak",
    ),
    Case(
        name="broken-off",
        family="connections",
        story="The server resets every connection instead of answering.",
        fix="What makes the server abort.",
        truth=("network.connection_resets",),
        play=broken_off,
        follow=close_in_peace,
        intensities={"slow": {"rate": 10}, "fast": {"rate": 50}},
    ),
    Case(
        name="nobody-listens",
        family="connections",
        story="The server ended, and its clients are refused.",
        fix="Start the server again, or take it out of the clients' list.",
        truth=("network.connection_resets",),
        play=refused,
        follow=start_it,
        intensities={"usual": {"rate": 20}},
        lookalike_of="broken-off",
    ),
    Case(
        name="a-health-check-fails",
        family="connections",
        story="One refused connection a second beside twenty that go well.",
        fix="",
        truth=(),
        play=a_health_check_fails,
        lookalike_of="nobody-listens",
    ),
    Case(
        name="no-keep-alive",
        family="connections",
        story="A connection for every request, hundreds a second.",
        fix="Keep-alive in client and server.",
        truth=("network.connection_churn",),
        play=no_keep_alive,
        follow=keep_connections,
        intensities={"usual": {"rate": 400}},
    ),
    Case(
        name="idle-connections-pile-up",
        family="connections",
        story="Clients leave connections open, more every second, and the server has no idle timeout.",
        fix="An idle timeout, keep-alive probes.",
        truth=("network.idle_connection_buildup",),
        play=left_open,
        intensities={"slow": {"rate": 15, "files": 4096}, "fast": {"rate": 60, "files": 16384}},
        patience_seconds=60.0,
    ),
    Case(
        name="long-polls",
        family="connections",
        story="Many connections that hardly say anything, but stay as many.",
        fix="",
        truth=(),
        play=long_polls,
        lookalike_of="idle-connections-pile-up",
    ),
    Case(
        name="kept-alive",
        family="connections",
        story="Twenty kept connections with two hundred requests a second.",
        fix="",
        truth=(),
        play=kept_alive,
        lookalike_of="no-keep-alive",
    ),
]
