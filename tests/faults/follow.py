"""The first recommendation about a case followed to the letter, and what the product says of it afterwards.

What is the machine's is typed as the advice has it; what is a program's own, the case does: it starts it anew with what
was proposed. Where only a person could, nothing is followed.
"""

from __future__ import annotations

import subprocess
import time
from collections.abc import Sequence
from typing import Any

from diagnose.demo.watch import Api
from diagnose.findings.advice.place import is_namespaced
from tests.faults.case import Advice, Case
from tests.faults.stage import Stage

_OF_THE_MACHINE = ("sysctl", "process_limit", "cgroup_quota", "task_limit", "memory_limit", "packet_steering")
# s; a trouble has ended when it was not seen for three minutes, and an evaluation looks back two
PATIENCE_SECONDS = 480.0
_POLL_SECONDS = 3.0
_UNDECIDED = ("", "not enough data")


def followed(case: Case, stage: Stage, api: Api, found: Sequence[dict[str, Any]]) -> tuple[str, str]:
    """The advice and the verdict with its reason; '' twice where there is nothing to follow."""
    finding = next((each for each in found if each["rule"] in case.truth), None)
    advice = finding["recommendations"][0] if finding and finding["recommendations"] else None
    if finding is None or advice is None or not _follow(case, stage, advice):
        return "", ""
    api.post(f"/findings/{finding['id']}/applied", {"note": advice["target"]})
    until, told = time.time() + PATIENCE_SECONDS, {"verdict": "", "reason": "no verdict yet"}
    while time.time() < until and told["verdict"] in _UNDECIDED:
        stage.note_pids()
        time.sleep(_POLL_SECONDS)
        told = api.get(f"/findings/{finding['id']}")["verification"] or told
    return f"{advice['target']}: {advice['proposed']}", f"{told['verdict']}: {told['reason']}"


def _follow(case: Case, stage: Stage, advice: Advice) -> bool:
    typed = advice["renderings"]["shell"]
    if advice["kind"] in _OF_THE_MACHINE and typed:
        _type(stage, advice, typed)
        return True
    if case.follow is None or advice["kind"] == "inspection":
        return False
    case.follow(stage, advice)
    return True


def _type(stage: Stage, advice: Advice, typed: str) -> None:
    """Inside the namespace where the setting is one of it; sysfs shows the devices of who mounts it."""
    if advice["kind"] == "packet_steering":
        stage.here.call("unshare", "--mount", "sh", "-c", f"mount -t sysfs sysfs /sys && {typed}")
    elif advice["kind"] == "sysctl" and is_namespaced(advice["target"]):
        stage.here.call("sh", "-c", typed)
    else:
        subprocess.run(["sh", "-c", typed], check=False, capture_output=True)
