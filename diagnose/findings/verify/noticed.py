"""Changes that nobody told of: a fact that a recommendation names took another value while the finding lasted."""

from __future__ import annotations

import re
from datetime import datetime, timedelta

from diagnose.models.change import Change, ChangeLink
from diagnose.models.finding import Finding, FindingNote

_RECENT = timedelta(hours=2)
_ITSELF = "Diagnose"
# The part of a fact's name by which a recommendation's target is known, by the kind of recommendation.
_FACTS = {
    "process_limit": ("limit.nofile", "LimitNOFILE"),
    "cgroup_quota": ("CPUQuotaPerSecUSec",),
    "task_limit": ("TasksMax",),
    "memory_limit": ("MemoryMax", "MemoryHigh"),
    "packet_steering": ("rps_cpus",),
    "ring_size": ("rx_ring",),
    "card_queues": ("combined",),
    "workers": ("command",),
    "application_setting": ("command",),
    "code_change": ("version", "command"),
}
# What configuration management holds; versions and restarts go on.
_SETTINGS = (Change.Kind.SETTING, Change.Kind.LIMIT, Change.Kind.CONFIGURATION)
_VERSION = re.compile(r"service\..+\.version")


def notice(at: datetime) -> None:
    """A finding with advice that somebody followed without a word is watched from then on."""
    links = ChangeLink.objects.filter(
        relation=ChangeLink.Relation.DURING, change__at__gte=at - _RECENT, finding__applied_at=None
    )
    for link in links.select_related("change", "finding").order_by("change__at"):
        finding, change = link.finding, link.change
        if finding.applied_at is None and is_recommended(change, finding):
            Finding.objects.filter(pk=finding.pk, applied_at=None).update(applied_at=change.at)
            FindingNote.objects.create(
                finding=finding, actor=_ITSELF, kind="applied", text=f"seen to change: {change}"
            )


def is_recommended(change: Change, finding: Finding) -> bool:
    """Whether a recommendation of the finding names what changed, or its service was released anew."""
    if _VERSION.fullmatch(change.name) or change.kind == Change.Kind.DEPLOY:
        return True
    return any(_is_target(change, each) for each in finding.detail.get("recommendations", ()))


def _is_target(change: Change, advice: dict[str, str]) -> bool:
    if advice["kind"] == "sysctl":
        return change.name == f"sysctl.{advice['target']}"
    if advice["kind"] == "runtime_setting":
        return change.name.endswith(f".env.{advice['target'].partition(' ')[0]}")
    return change.name.endswith(_FACTS.get(advice["kind"], ("\0",)))


def undone_at(finding: Finding) -> datetime | None:
    """When a recommended setting that was changed went back to what it was before, if it stays so."""
    links = ChangeLink.objects.filter(finding=finding, relation=ChangeLink.Relation.DURING)
    before: dict[str, str] = {}
    for link in links.select_related("change").order_by("change__at", "id"):
        if is_recommended(link.change, finding) and link.change.kind in _SETTINGS:
            before.setdefault(link.change.name, link.change.before)
    undone = [_went_back(finding, name, value) for name, value in before.items()]
    return max((at for at in undone if at is not None), default=None)


def _went_back(finding: Finding, name: str, value: str) -> datetime | None:
    latest = Change.objects.filter(host=finding.host, name=name).order_by("-at", "-id").first()
    return latest.at if latest is not None and latest.after == value else None
