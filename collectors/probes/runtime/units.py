"""Settings and restarts of systemd's services, from `systemctl show`: a restart hides a crash from everybody else.

Facts are `unit.<unit>.<property>`, of units that run a watched service, restarted or failed.
"""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from pathlib import Path

from collectors.probe import Cost, Host, Metric, NoData
from collectors.processes import watched
from collectors.readings import ChangedFacts, Counters, Series, gauge
from collectors.wire import Sample

RESTARTS, FAILED = "systemd_unit_restarts_total", "systemd_unit_failed"
# What a recommendation may change, or a crash is told by.
_PROPERTIES = """
LimitNOFILE LimitNOFILESoft LimitNPROC LimitMEMLOCK TasksMax CPUQuotaPerSecUSec CPUWeight CPUAffinity
CPUSchedulingPolicy Nice MemoryMax MemoryHigh MemorySwapMax IOWeight OOMScoreAdjust Restart RestartUSec
FragmentPath DropInPaths Result ExecMainStatus
"""
PROPERTIES = tuple(_PROPERTIES.split())
_ASKED = ["Id", "NRestarts", "ActiveState", *PROPERTIES]
MOST_UNITS = 64
SECONDS = 4.0
BOOTED = Path("/run/systemd/system")  # sd_booted(3)

Unit = dict[str, str]


def parse(text: str) -> list[Unit]:
    """Properties of each unit: lines `Name=value`, a blank line between units."""
    units = []
    for block in text.split("\n\n"):
        pairs = (line.partition("=") for line in block.splitlines())
        unit = {name: value for name, equals, value in pairs if equals}
        if unit.get("Id", "").endswith(".service"):
            units.append(unit)
    return units


class Units:
    """NoData where systemd does not run the host."""

    NAME = "units"
    COST: Cost = "dear"
    INTERVAL_SECONDS = 60.0
    METRICS: tuple[Metric, ...] = (
        Metric(RESTARTS, "", "Times systemd started the service again by itself.", ("service",), True),
        Metric(FAILED, "", "1 while the service has failed and stays down.", ("service",)),
    )

    def __init__(self, program: str = "systemctl", booted: Path = BOOTED) -> None:
        self._program, self._booted = program, booted
        self._facts = ChangedFacts()
        self._counters = Counters()

    def collect(self, host: Host) -> Iterator[Sample]:
        """One call for all units that are loaded."""
        if not self._booted.is_dir():
            raise NoData("systemd does not run this host, or not where the collector sees it")
        units = parse(self._show())
        served = {process.service for process in watched.of(host.proc).processes or ()}
        chosen = [unit for unit in units if _matters(unit, served)][:MOST_UNITS]
        readings: dict[Series, float] = {
            (RESTARTS, (("service", unit["Id"]),)): float(unit["NRestarts"])
            for unit in units
            if unit.get("NRestarts", "").isdecimal()
        }
        told = {unit["Id"] for unit in chosen}
        for point in self._counters.points(host.now_ns, readings):
            if point.labels["service"] in told or point.values[0]:
                yield point
        for unit in chosen:
            labels = {"service": unit["Id"]}
            yield gauge(FAILED, host.now_ns, unit.get("ActiveState") == "failed", labels)
            facts = ((f"unit.{unit['Id']}.{name}", unit.get(name, "")) for name in PROPERTIES)
            yield from self._facts.news(host.now_ns, facts)

    def _show(self) -> str:
        command = [self._program, "show", f"--property={','.join(_ASKED)}", "*.service"]
        try:
            ran = subprocess.run(command, capture_output=True, timeout=SECONDS, check=False)
        except (OSError, subprocess.TimeoutExpired) as error:
            raise NoData(f"{' '.join(command[:2])} did not answer: {error}") from None
        if ran.returncode:
            raise NoData(f"systemctl show failed: {ran.stderr.decode('utf-8', 'replace').strip()[:200]}")
        return ran.stdout.decode("utf-8", "replace")


def _matters(unit: Unit, served: set[str]) -> bool:
    restarted = unit.get("NRestarts", "0") not in ("", "0")
    return unit["Id"] in served or restarted or unit.get("ActiveState") == "failed"
