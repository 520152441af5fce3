"""Tasks for Ansible."""

from __future__ import annotations

from diagnose.correlate.rule import OpenFiles, Recommendation, Sysctl
from diagnose.findings.advice import systemd
from diagnose.findings.advice.sysctl_d import PATH


def render(recommendation: Recommendation) -> str | None:
    """A list of tasks in YAML; None for changes inside a program."""
    match recommendation.change:
        case Sysctl(name, _, proposed):
            return _sysctl(name, proposed)
        case OpenFiles(service, _, _, proposed) if service.endswith(".service"):
            return _limit(service, proposed)
        case _:
            return None


def _sysctl(name: str, value: int | str) -> str:
    return f"""\
- name: Set {name}
  ansible.posix.sysctl:
    name: {name}
    value: "{value}"
    sysctl_file: {PATH}
"""


def _limit(unit: str, value: int) -> str:
    path = systemd.drop_in_path(unit)
    return f"""\
- name: Make the drop-in directory of {unit}
  ansible.builtin.file:
    path: {path.rpartition("/")[0]}
    state: directory
    mode: "0755"
- name: Set LimitNOFILE of {unit}
  ansible.builtin.copy:
    dest: {path}
    content: |
      [Service]
      LimitNOFILE={value}
    mode: "0644"
- name: Restart {unit}
  ansible.builtin.systemd_service:
    name: {unit}
    state: restarted
    daemon_reload: true
"""
