"""Tasks for Ansible."""

from __future__ import annotations

from textwrap import indent

from diagnose.correlate.change import CardQueues, InterruptAffinity, PacketSteering, RingSize, Sysctl
from diagnose.correlate.rule import Recommendation
from diagnose.findings.advice import shell, systemd
from diagnose.findings.advice.place import is_namespaced
from diagnose.findings.advice.sysctl_d import PATH
from diagnose.findings.advice.targets import target_of


def render(recommendation: Recommendation) -> str | None:
    """A list of tasks in YAML; None for changes inside a program or a container."""
    change, place = recommendation.change, recommendation.fit.place
    if isinstance(change, Sysctl):
        inside = place.netns and is_namespaced(change.name)
        return None if inside else _sysctl(change.name, change.proposed)
    unit, line = systemd.unit_of(change, place), systemd.setting(change, place)
    if unit and line:
        return _drop_in(unit, line)
    if isinstance(change, PacketSteering | InterruptAffinity | CardQueues | RingSize):
        return _command(target_of(change).target, shell.render(recommendation) or "")
    return None


def _sysctl(name: str, value: int | str) -> str:
    return f"""\
- name: Set {name}
  ansible.posix.sysctl:
    name: {name}
    value: "{value}"
    sysctl_file: {PATH}
"""


def _drop_in(unit: str, line: str) -> str:
    path = systemd.drop_in_path(unit)
    return f"""\
- name: Make the drop-in directory of {unit}
  ansible.builtin.file:
    path: {path.rpartition("/")[0]}
    state: directory
    mode: "0755"
- name: Set {line.partition("=")[0]} of {unit}
  ansible.builtin.copy:
    dest: {path}
    content: |
      [{"Socket" if unit.endswith(".socket") else "Service"}]
      {line}
    mode: "0644"
- name: Restart {unit}
  ansible.builtin.systemd_service:
    name: {unit}
    state: restarted
    daemon_reload: true
"""


def _command(what: str, command: str) -> str:
    return f"""\
- name: Set the {what} (until the next restart)
  ansible.builtin.shell: |
{indent(command, "    ")}
"""
