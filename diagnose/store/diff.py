"""Two selections of one service against each other, on one tree: what grew, what shrank, and by how much."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from diagnose.store.levels import Numbers
from diagnose.store.names import FrameInfo
from diagnose.store.nodesums import columns_of, frames_of, lay, least
from diagnose.store.profiles import Merged

# How a node's change is told:
#   absolute    its count minus the base's
#   relative    growth against the base, both per observed second: 0.5 is half more; None where the base has nothing
#   normalised  its share of the whole minus its share of the base's whole
Mode = Literal["absolute", "relative", "normalised"]


class Incomparable(ValueError):
    """Two selections that measure different things; the message says which."""


@dataclass(frozen=True, slots=True)
class Diff:
    """Nodes depth-first, as in a flame graph, with both sides' counts in the unit and period of `merged`.

    Nodes under `cut` of the whole on both sides are left out; `nodes_total` is how many nodes either side has.
    """

    service: str
    base: Merged
    merged: Merged
    cut: float
    nodes_total: int
    frames: list[FrameInfo]
    frame: Numbers
    depth: Numbers
    total: Numbers
    self: Numbers
    base_total: Numbers
    base_self: Numbers

    def change(self, mode: Mode) -> list[int] | list[float | None]:
        """The change of each node's total."""
        if mode == "absolute":
            return (self.total - self.base_total).tolist()  # type: ignore[no-any-return]
        if mode == "normalised":
            return _rounded(_share(self.total) - _share(self.base_total))
        now = self.total / (self.merged.seconds or 1.0)
        before = self.base_total / (self.base.seconds or 1.0)
        with np.errstate(divide="ignore", invalid="ignore"):
            return _rounded(np.where(before > 0, now / before - 1, np.nan))

    def as_json(self, mode: Mode) -> dict[str, Any]:
        """The form of `/api/v1/profiles/diff`."""
        return {
            "service": self.service,
            "type": self.merged.type,
            "unit": self.merged.unit,
            "period_ns": self.merged.period_ns,
            "mode": mode,
            "total": int(self.total[0]),
            "seconds": self.merged.seconds,
            "profiles": self.merged.profiles,
            "unreadable": self.merged.corrupt,
            "base": {
                "total": int(self.base_total[0]),
                "seconds": self.base.seconds,
                "profiles": self.base.profiles,
                "unreadable": self.base.corrupt,
            },
            "cut": self.cut,
            "nodes_total": self.nodes_total,
            **columns_of(self.frames),
            "nodes": {
                "frame": self.frame.tolist(),
                "depth": self.depth.tolist(),
                "total": self.total.tolist(),
                "self": self.self.tolist(),
                "base_total": self.base_total.tolist(),
                "base_self": self.base_self.tolist(),
                "change": self.change(mode),
            },
        }


def build(service: str, base: Merged, merged: Merged, *, threads: bool = False, cut: float = 0.0005) -> Diff:
    """`merged` against `base`, both of `service`. Raises Incomparable."""
    base, merged = _alike(base, merged)
    old, new = lay(service, base, merged, threads=threads)
    shown = (new.total >= least(int(new.total[0]), cut)) | (old.total >= least(int(old.total[0]), cut))
    shown[0] = True
    kept = np.flatnonzero(shown)
    functions, frame = np.unique(new.tree.function[kept], return_inverse=True)
    return Diff(
        service=service,
        base=base,
        merged=merged,
        cut=cut,
        nodes_total=max(1, int(np.count_nonzero(new.total + old.total))),
        frames=frames_of(functions, old, new),
        frame=frame.reshape(-1),
        depth=new.tree.depth[kept],
        total=new.total[kept],
        self=new.own[kept],
        base_total=old.total[kept],
        base_self=old.own[kept],
    )


def _alike(base: Merged, merged: Merged) -> tuple[Merged, Merged]:
    """Both in one unit, the base's counts in the period of the other. No stack vanishes. Raises Incomparable."""
    if not len(base.stack_ids) or not len(merged.stack_ids):
        filled = merged if len(merged.stack_ids) else base
        return tuple(replace(one, unit=filled.unit, period_ns=filled.period_ns) for one in (base, merged))  # type: ignore[return-value]
    spelled = (
        base.spelled is not None or merged.spelled is not None
    )  # other programs have other names for types
    if base.unit != merged.unit or (base.type != merged.type and not spelled):
        raise Incomparable(
            f"{base.type} profiles in {base.unit} and {merged.type} profiles in {merged.unit} measure different things"
        )
    if base.period_ns == merged.period_ns or not (
        base.period_ns and merged.period_ns
    ):  # a file may not tell it
        return base, merged
    scaled = np.rint(base.counts * (base.period_ns / max(1, merged.period_ns)))
    counts = np.clip(scaled, 1, (1 << 62) // len(scaled)).astype(np.int64)
    return replace(base, counts=counts, period_ns=merged.period_ns), merged


def _share(total: Numbers) -> NDArray[np.float64]:
    return total / max(1, int(total[0]))


def _rounded(values: NDArray[np.float64]) -> list[float | None]:
    """Six decimals are more than samples can tell, and take half of the room of sixteen; None where there is none."""
    return np.where(np.isnan(values), None, np.round(values, 6)).tolist()  # type: ignore[call-overload,no-any-return]
