"""Synthesis, place and route, and bitstreams with open tools; see `flow.synthesise`."""

from tilewright.build.synth.counts import Area
from tilewright.build.synth.flow import synthesise
from tilewright.build.synth.result import ClockTiming, MemoryUse, ModuleArea, PathStep, Synthesis
from tilewright.build.synth.target import FAMILIES, Family, Stage, Target
from tilewright.build.synth.tools import SynthLimits

__all__ = ["FAMILIES", "Area", "ClockTiming", "Family", "MemoryUse", "ModuleArea", "PathStep",
           "Stage", "SynthLimits", "Synthesis", "Target", "synthesise"]  # fmt: skip
