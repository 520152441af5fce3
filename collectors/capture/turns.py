"""Which processes are sampled next: the busy often, the idle now and then, nobody never. Pure arithmetic."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence

from collectors.capture.choose import Candidate

# An idle process is as urgent after 400 s as one that uses a whole core after 20 s.
IDLE_SHARE = 0.05
# So that a process that was just seen for the first time is told by its weight too.
_NEW_SECONDS = 20.0


def in_turn(
    candidates: Sequence[Candidate], waited: Mapping[int, float], taken: Collection[str]
) -> list[Candidate]:
    """Of each service that is not `taken` (sampled now) the most urgent process; the most urgent service first.

    `waited`: seconds since a process was last sampled, by pid. Urgent is what uses much CPU or listens, times how
    long it has waited: so all get their turn, in proportion to their weight.
    """

    def urgency(candidate: Candidate) -> float:
        return (candidate.weight + IDLE_SHARE) * (waited.get(candidate.process.pid, 0.0) + _NEW_SECONDS)

    found: dict[str, Candidate] = {}
    for candidate in sorted(candidates, key=urgency, reverse=True):
        if candidate.process.service not in taken:
            found.setdefault(candidate.process.service, candidate)
    return list(found.values())
