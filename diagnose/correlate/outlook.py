"""How long each resource of a host lasts, of its last hours; and those so near their end that they are findings now."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence

from diagnose.correlate.forecast import Forecast, Outlook, forecast
from diagnose.correlate.resources import BY_NAME, levels
from diagnose.correlate.rule import Evidence, Impact, Inspect, Recommendation, Subject, Verdict, strength
from diagnose.correlate.samples import Samples
from diagnose.correlate.words import duration, number, percent

# of the limit; what is emptier is not looked at: growth from little says nothing
WATCHED_SHARE = 0.1
# of the limit; growth below it is more likely a service that fills its pools
EARLY_SHARE = 0.5
# of the soonest; a wider interval is a guess
WIDEST = 10.0


Place = tuple[str, str, str]


def outlooks(history: Samples) -> Iterator[Outlook]:
    """Of what is filled to some part; `history` are some hours of the metrics that resources read."""
    for level in levels(history):
        found = forecast(level.times_ns, level.used, level.limit)
        if found is not None and found.share >= WATCHED_SHARE:
            yield Outlook(level.resource.name, level.labels, found)


def place_of(rule: str, subject: Subject) -> Place:
    """What two verdicts of a rule have in common when they are about the same resource."""
    return rule, subject.destination, subject.cgroup


def early(found: Sequence[Outlook], judged: Collection[Place]) -> Iterator[tuple[str, Verdict]]:
    """(rule, verdict) of what will be full soon; not where the rule itself has `judged` already."""
    for each in found:
        rule = BY_NAME[each.resource].rule
        if rule and _is_near(each) and place_of(rule, subject_of(each)) not in judged:
            yield rule, _verdict(each)


def _is_near(each: Outlook) -> bool:
    """Soon by the resource's own measure, and well known: the interval is not a guess."""
    told, soon = each.forecast, BY_NAME[each.resource].soon_seconds
    if told.seconds is None or told.latest is None or told.soonest is None or told.share < EARLY_SHARE:
        return False
    return told.seconds <= soon and told.latest <= WIDEST * max(told.soonest, 60.0)


def subject_of(each: Outlook) -> Subject:
    labels = each.labels
    return Subject(
        service=labels.get("service", ""),
        pid=int(labels["pid"]) if labels.get("pid", "").isdecimal() else None,
        destination=labels.get("dst", labels.get("mountpoint", "")),
        netns=labels.get("netns", ""),
        cgroup=labels.get("cgroup", ""),
    )


def in_words(told: Forecast) -> str:
    """Full in 47 min (31 min to 80 min); empty without a time."""
    if told.seconds is None or told.soonest is None or told.latest is None:
        return ""
    return f"full in {duration(told.seconds)} ({duration(told.soonest)} to {duration(told.latest)})"


def amount(value: float, unit: str) -> str:
    """Bytes as GiB, everything else counted."""
    return f"{number(value / 2**30)} GiB" if unit == "bytes" else f"{number(round(value))} {unit}"


def _verdict(each: Outlook) -> Verdict:
    told, kind, subject = each.forecast, BY_NAME[each.resource], subject_of(each)
    where = each.labels.get("mountpoint") or (subject.name if subject.service or subject.pid else "this host")
    ahead = in_words(told)
    headline = f"{where}: {kind.title} at {percent(told.share)} of the limit, {ahead}"
    share = 0.5 * min(1.0, 600.0 / max(told.seconds or 0.0, 1.0))
    return Verdict(
        subject=subject,
        headline=headline,
        impact=Impact(share, told.level, kind.unit, f"nothing fails yet; {ahead}"),
        evidence=tuple(_evidence(each)),
        recommendations=(_look_closer(each, where),),
        forecast=True,
    )


def _evidence(each: Outlook) -> Iterator[Evidence]:
    told, kind, labels = each.forecast, BY_NAME[each.resource], tuple(sorted(each.labels.items()))
    near = strength(-(told.seconds or 0.0), -kind.soon_seconds, 0.0)
    text = f"{amount(told.level, kind.unit)} of {amount(told.limit, kind.unit)}, {in_words(told)}"
    yield Evidence(
        "supports", "decides", text, kind.metric, told.level, kind.unit, told.limit,
        "growth by Theil and Sen, 90 % interval", near, labels,
    )  # fmt: skip
    slow, fast = (amount(rate * 3600, kind.unit) for rate in (told.slowest, told.fastest))
    text = f"it grew by {slow} to {fast} an hour and never came back by itself"
    yield Evidence("supports", "separates", text, kind.metric, labels=labels)


def _look_closer(each: Outlook, where: str) -> Recommendation:
    kind, mount = BY_NAME[each.resource], each.labels.get("mountpoint")
    commands = {
        "disk_space": f"du -xh --max-depth=2 {mount} | sort -h | tail -20",
        "inodes": f"du -x --inodes --max-depth=2 {mount} | sort -n | tail -20",
        "conntrack": "conntrack -L 2>/dev/null | awk '{print $1, $4}' | sort | uniq -c | sort -n | tail",
        "system_fds": "ls -d /proc/[0-9]*/fd/* 2>/dev/null | cut -d/ -f3 | sort | uniq -c | sort -n | tail",
    }
    command = commands.get(each.resource, "ss -s; ps -eLf --sort=-nlwp | head -20")
    purpose = f"what makes the {kind.title} grow; a higher limit only buys time"
    return Recommendation(
        Inspect(where, purpose, command),
        formula=f"{amount(each.forecast.limit - each.forecast.level, kind.unit)} left ÷ the growth",
        expected="the growth ends before the limit is reached",
        risk="none",
    )
