"""One run: a collector on a fresh stage, the fault, and what the product says about it."""

from __future__ import annotations

import contextlib
import os
import platform
import secrets
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from diagnose.access import enroll
from diagnose.demo.watch import Api
from diagnose.models.host import Host
from tests.faults import bundle, keep
from tests.faults.beside import MONITORS
from tests.faults.case import Case
from tests.faults.follow import followed
from tests.faults.gateway import Gateway
from tests.faults.results import Found, Key, Result, Results
from tests.faults.stage import FILES, ROOT, Stage

# s; the slowest probe of a kind that rules read passes twice in it, so that counters have begun to count
HEALTHY_SECONDS = 12.0
# s; what is found besides the cause, and what the cause takes under itself, is there by then
SETTLE_SECONDS = 10.0
# s; alarms of other monitors look at the last minute: so long they watch before the onset, and after it
BESIDE_SECONDS = 65.0
_SEEN_SECONDS = 30.0
# Of the collector: programs in Go are asked for what they tell of themselves.
_SETTINGS = {"DIAGNOSE_COLLECTOR_GO_DISCOVER": "true"}
_POLL_SECONDS = 0.5


# What is added to an intensity's name where the collector looks in from outside.
CONTAINER = "-in-a-container"


@dataclass(frozen=True, slots=True)
class Server:
    """The running product: its API, and the ports at which collectors reach it."""

    api: Api
    ports: Sequence[int]


def run(
    case: Case,
    intensity: str,
    number: int,
    server: Server,
    results: Results,
    beside: Sequence[str] = (),
    follow: bool = False,
) -> Result:
    """Play it and write down what was found, and what other monitors raised; `follow` the first recommendation and
    wait for the verdict on it, too. Raises what a stage that cannot be built raises."""
    outside = intensity.endswith(CONTAINER)
    knobs = case.intensities[intensity.removesuffix(CONTAINER)]
    began, clock = datetime.now(UTC), time.monotonic()
    host, secret = enroll.admit(enroll.Enrolment(f"fault-{case.name}-{intensity}", secrets.token_hex(16)))
    with tempfile.TemporaryDirectory(prefix="diagnose-fault-") as directory, Stage() as stage:
        if case.set_up:
            case.set_up(stage, knobs)
        with Gateway(stage.here.pid, server.ports), contextlib.ExitStack() as others:
            monitors = {
                name: others.enter_context(MONITORS[name](stage, Path(directory) / name)) for name in beside
            }
            collector = _collector(stage, Path(directory), host, secret, server.api.base, outside)
            try:
                _wait_until_seen(host)
                time.sleep(BESIDE_SECONDS if beside else HEALTHY_SECONDS)
                stage.begin()
                case.play(stage, knobs)
                least = BESIDE_SECONDS if beside else 0.0
                after = _watch(case, stage, host, server.api, outside, least)
                raised = {name: sorted(each.raised(stage.onset)) for name, each in monitors.items()}
                findings = _findings(stage, host, server.api, outside)
                ours = _ours(stage, host, server.api, outside) if follow else []
                advice, proof = followed(case, stage, server.api, ours)
            finally:
                _end(collector)
        if not follow:  # a recording ends with the trouble
            _keep(results, (case.name, intensity, number), case, stage, host, began)
    result = Result(
        case=case.name,
        family=case.family,
        intensity=intensity,
        round=number,
        truth=case.truth,
        after_seconds=after,
        findings=tuple(findings),
        began=began.isoformat(),
        seconds=round(time.monotonic() - clock, 1),
        load1=os.getloadavg()[0],
        kernel=platform.release(),
        beside=raised,
        advice=advice,
        proof=proof,
        also=case.also,
    )
    results.add(result)
    return result


def _collector(
    stage: Stage, directory: Path, host: Host, secret: str, url: str, outside: bool
) -> subprocess.Popen[bytes]:
    """It looks at its own network namespace as at a host, where others on this machine are not the case's; or from
    outside at the stage as at a container."""
    (directory / "identity").write_text(host.identity)
    (directory / "token").write_text(secret)
    argv = [sys.executable, "-m", "collectors", "run", "--server", url, "--state-dir", str(directory)]
    log = (directory / "log").open("wb")
    with log:
        return subprocess.Popen(
            argv if outside else stage.here.argv(*argv, "--disable", "namespaces"),
            cwd=ROOT,
            stdout=log,
            stderr=subprocess.STDOUT,
            env={**os.environ, "DIAGNOSE_SERVICE": "diagnose-collector", **_SETTINGS},
        )


def _end(collector: subprocess.Popen[bytes]) -> None:
    collector.terminate()
    with contextlib.suppress(subprocess.TimeoutExpired):
        collector.wait(5)
        return
    collector.kill()
    collector.wait()


def _wait_until_seen(host: Host) -> None:
    deadline = time.monotonic() + _SEEN_SECONDS
    while time.monotonic() < deadline:
        host.refresh_from_db()
        if host.last_seen_at:
            return
        time.sleep(0.2)
    raise TimeoutError(
        f"no batch of {host.name} arrived within {_SEEN_SECONDS:g} s: does the product run well?"
    )


def _watch(
    case: Case, stage: Stage, host: Host, api: Api, outside: bool, least_seconds: float
) -> float | None:
    """Seconds from the onset until the cause was on the page, both of two; it goes on until the picture has settled."""
    after, until = None, stage.onset + max(case.patience_seconds, least_seconds)
    while time.time() < until:
        stage.note_pids()
        told = {found["rule"] for found in _ours(stage, host, api, outside)}
        if after is None and told & set(case.truth) and (not case.also or told & set(case.also)):
            after = round(time.time() - stage.onset, 1)
            until = max(stage.onset + least_seconds, min(until, time.time() + SETTLE_SECONDS))
        time.sleep(_POLL_SECONDS)
    return after


def _ours(stage: Stage, host: Host, api: Api, outside: bool) -> list[dict[str, Any]]:
    """Open findings of the host, without those about processes and groups that others run on this machine."""
    found: list[dict[str, Any]] = api.get("/findings", state="open", host=host.pk)["results"]
    inside = str(stage.here.inode) if outside else ""
    return [
        each
        for each in found
        if each["subject"].get("pid") in {None, *stage.pids}
        and each["subject"].get("cgroup", "") in {"", *stage.cgroups}
        and _is_mounted_here(each["subject"].get("device", ""), stage)
        and (each["subject"].get("netns", "") == inside or each["subject"].get("pid"))
    ]


def _is_mounted_here(device: str, stage: Stage) -> bool:
    return not device.startswith(str(FILES)) or device in stage.mounts


def _findings(stage: Stage, host: Host, api: Api, outside: bool) -> list[Found]:
    found = _ours(stage, host, api, outside)
    rules = {each["id"]: each["rule"] for each in found}
    return [
        Found(
            rule=each["rule"],
            confidence=each["confidence"],
            rank=each["rank"],
            cause=rules.get(each["explained_by"], ""),
            headline=each["headline"],
            after_seconds=round(_time(each["opened_at"]).timestamp() - stage.onset, 1),
        )
        for each in found
    ]


def _time(text: str) -> datetime:
    return datetime.fromisoformat(text)


def _keep(results: Results, key: Key, case: Case, stage: Stage, host: Host, began: datetime) -> None:
    window = bundle.read(host, began, datetime.now(UTC), stage.pids, stage.cgroups, stage.mounts)
    if window is not None:
        told = {"case": key[0], "intensity": key[1], "truth": list(case.truth)}
        keep.write(results.bundle(key), window | told | {"onset_ms": int(stage.onset * 1000)})
