"""How often to look at each CPU, so that the looking stays within its share of one core. Pure arithmetic."""

from __future__ import annotations

# The first is what is wished for; primes and near, so as not to march in step with what runs at round rates.
RATES_HZ = (49, 19, 7, 3, 1)
# What a look costs whoever was running: both halves of the stack walked, kept and counted. The kernel's own account
# on a busy machine (bench/_stacks_native.py); 6 µs on a calm one.
LOOK_SECONDS = 17e-6
# Faster again only well below the share, or the rate would swing.
_COMFORTABLE = 0.3
_NEWEST = 0.2


class Pace:
    """`hz` now. It learns from what each interval has cost."""

    def __init__(self, most_share: float) -> None:
        self._most_share = most_share
        self._at = 1
        self.share = most_share / 2  # a running mean, of one core
        self._begun = False

    @property
    def hz(self) -> int:
        return RATES_HZ[self._at]

    def learn(self, cpu_seconds: float, looks: int, seconds: float) -> None:
        """`cpu_seconds` that draining and naming took, and how often was looked, in an interval of `seconds`."""
        if not self._begun:  # the first reads all names, once
            self._begun = True
            return
        share = (cpu_seconds + looks * LOOK_SECONDS) / max(seconds, 0.001)
        self.share += _NEWEST * (share - self.share)
        if self.share > self._most_share and self._at < len(RATES_HZ) - 1:
            self._at += 1
            self.share *= RATES_HZ[self._at] / RATES_HZ[self._at - 1]
        elif self.share < self._most_share * _COMFORTABLE and self._at:
            self._at -= 1
            self.share *= RATES_HZ[self._at] / RATES_HZ[self._at + 1]
