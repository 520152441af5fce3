"""The service's unit as the README has it: systemd understands each line, its capabilities suffice for all probes."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

README = Path(__file__).parents[2] / "collectors/README.md"
UNIT = re.search(r"```ini\n(# /etc/systemd.*?)```", README.read_text(), re.DOTALL)[1]
NOBODY = "65534"
# Nobody may read where a developer keeps the interpreter, so it is CAP_DAC_READ_SEARCH that lets this start at all.
PROBES = """
import json, time
from pathlib import Path
from collectors.probe import Host, NoData
from collectors.probes import ALL
told = {}
for kind in ALL:
    probe, reasons, number = kind(), [], 0
    try:
        for sample in probe.collect(Host(Path("/proc"), Path("/sys"), time.time_ns())):
            number += 1
            if not getattr(sample, "ok", True): reasons.append(sample.reason)
    except NoData as error:
        reasons.append(str(error))
    told[kind.NAME] = reasons
print(json.dumps(told))
"""


def capabilities() -> list[str]:
    line = re.search(r"^AmbientCapabilities=(.*)$", UNIT, re.MULTILINE)[1]
    return line.split()


@pytest.mark.program("systemd-analyze")
def test_systemd_understands_every_line_of_the_unit(tmp_path):
    program = shutil.which("systemd-analyze")
    unit = tmp_path / "diagnose-collector.service"
    text = re.sub(r"^ExecStart=\S+", "ExecStart=/bin/true", UNIT, flags=re.MULTILINE)
    unit.write_text(re.sub(r"^User=.*$", "User=root", text, flags=re.MULTILINE))
    result = subprocess.run(
        [program, "verify", str(unit)], capture_output=True, text=True, check=False, timeout=60
    )
    assert (result.returncode, result.stderr) == (0, "")


@pytest.mark.program("systemd-analyze")
def test_systemd_would_tell_of_a_line_it_does_not_know(tmp_path):
    program = shutil.which("systemd-analyze")
    unit = tmp_path / "other.service"
    unit.write_text("[Service]\nExecStart=/bin/true\nProtectEverything=yes\n")
    result = subprocess.run(
        [program, "verify", str(unit)], capture_output=True, text=True, check=False, timeout=60
    )
    assert "ProtectEverything" in result.stderr


def test_the_bounding_set_is_what_is_given_and_no_more():
    bounding = re.search(r"^CapabilityBoundingSet=(.*)$", UNIT, re.MULTILINE)[1]
    assert bounding.split() == capabilities()


@pytest.mark.root(to="give capabilities to another user")
def test_with_these_capabilities_another_user_lacks_nothing_that_root_has():
    names = ",".join(f"+{name.removeprefix('CAP_').lower()}" for name in capabilities())
    drop = ["setpriv", "--reuid", NOBODY, "--regid", NOBODY, "--clear-groups", "--inh-caps", names]
    drop += ["--ambient-caps", names, "--bounding-set", f"-all,{names}"]
    ran = subprocess.run(
        [*drop, sys.executable, "-c", PROBES], capture_output=True, text=True, check=True, timeout=60
    )
    told = json.loads(ran.stdout)
    missing = {
        name: reasons for name, reasons in told.items() if re.search("root|CAP_|permitted", " ".join(reasons))
    }
    assert missing == {}
