"""`diagnose-collector status`: the agent's last word about itself, for people or programs."""

from __future__ import annotations

import time
from pathlib import Path

import msgspec

from collectors.state import AgentState, read_state

# The agent writes every ten seconds; three times that is not a delay any more.
STALE_SECONDS = 30.0


def show(state_dir: Path, as_json: bool) -> int:
    """Print it; the exit status is 0 when the agent runs and the server takes its batches."""
    state = read_state(state_dir)
    now = time.time()
    if as_json:
        print(msgspec.json.format(msgspec.json.encode(state)).decode())
    else:
        print("\n".join(_lines(state, now)))
    return 0 if _runs(state, now) and not state.ship_error and state.committed_at else 1


def _runs(state: AgentState, now: float) -> bool:
    return now - state.written_at < STALE_SECONDS


def _lines(state: AgentState, now: float) -> list[str]:
    runs = f"running as pid {state.pid} for {_ago(now, state.started_at)}"
    stopped = f"not running (last seen {_ago(now, state.written_at)} ago)"
    lines = [
        f"collector  {state.version}, {runs if _runs(state, now) else stopped}",
        f"server     {state.server}",
        f"identity   {state.identity}, epoch {state.epoch}",
        f"committed  {_committed(state, now)}",
        f"spool      {state.spool_batches} batches, {state.spool_bytes / 1024:.0f} KiB, "
        f"{state.dropped_batches} dropped",
        f"cost       {100 * state.cpu_share:.2f} % of a core, {state.rss_bytes / 1024**2:.1f} MiB, "
        f"intervals ×{state.slowdown:.2g} (without stack sampling)",
    ]
    troubles = {"disk": state.disk_error, "sending": state.ship_error, "commands": state.commands_error}
    lines += [f"trouble    {what}: {text}" for what, text in troubles.items() if text]
    if state.quarantined:
        lines.append(f"trouble    {state.quarantined} batches are in the server's quarantine")
    for name, probe in sorted(state.probes.items()):
        outcome = "ok" if probe.ok else f"no data: {probe.reason}"
        lines.append(f"probe      {name:<24} {1000 * probe.seconds:8.2f} ms  {outcome}")
    return lines


def _committed(state: AgentState, now: float) -> str:
    if not state.committed_at:
        return "nothing since the start"
    return f"up to batch {state.committed_seq}, {_ago(now, state.committed_at)} ago"


def _ago(now: float, then: float) -> str:
    seconds = max(0.0, now - then)
    for size, unit in ((86_400, "d"), (3_600, "h"), (60, "min")):
        if seconds >= size:
            return f"{seconds / size:.1f} {unit}"
    return f"{seconds:.0f} s"
