"""Everything that is sampled all the time, one sampler a file. A new one adds its line to ALL."""

from __future__ import annotations

from collectors.capture.sampler import Sampler
from collectors.capture.samplers.golang import ContinuousGo
from collectors.capture.samplers.native import ContinuousNative
from collectors.capture.samplers.python import ContinuousPython

ALL: tuple[type[Sampler], ...] = (ContinuousPython, ContinuousGo, ContinuousNative)
