"""The service's unit: systemd understands each line, its capabilities suffice for all probes, each is explained."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

COLLECTORS = Path(__file__).parents[2] / "collectors"
UNIT = (COLLECTORS / "diagnose-collector.service").read_text()
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


def capabilities(kind: str = "AmbientCapabilities") -> list[str]:
    return " ".join(re.findall(rf"^{kind}=(.*)$", UNIT, re.MULTILINE)).split()


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
    assert capabilities("CapabilityBoundingSet") == capabilities()


def test_each_capability_stands_with_its_reason_and_in_the_table_of_the_readme():
    readme = (COLLECTORS / "README.md").read_text()
    for name in capabilities():
        assert re.search(rf"^# [A-Z].{{20,}}\nAmbientCapabilities={name}$", UNIT, re.MULTILINE), name
        assert f"`{name}`" in readme


def test_the_command_prints_it_with_the_path_that_it_was_started_by(tmp_path):
    program = tmp_path / "my collector%"
    program.symlink_to(Path(sys.executable).with_name("diagnose-collector"))
    ran = subprocess.run([program, "unit"], capture_output=True, text=True, check=True, timeout=60)
    (start,) = [line for line in ran.stdout.splitlines() if line.startswith("ExecStart=")]
    assert start == rf"ExecStart={tmp_path}/my\x20collector%% run"
    assert ran.stdout.replace(start, "") == re.sub(r"(?m)^ExecStart=.*", "", UNIT)


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
