"""What a synthesis found, as frozen objects that go to `synth.json` and back."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import reduce
from typing import Final

from tilewright.build.synth.counts import Area
from tilewright.build.synth.target import Target

__all__ = ["PNR", "SYNTH_JSON", "ClockTiming", "MemoryUse", "ModuleArea", "PathStep", "SeedRun",
           "StageTime", "Synthesis", "Use"]  # fmt: skip

SYNTH_JSON: Final = "synth.json"
PNR: Final = "pnr"
"""The stage of place and route; with several seeds `pnr_SEED`."""


@dataclass(frozen=True, kw_only=True)
class StageTime:
    """Wall-clock seconds of one stage; `was_resumed`: an earlier run had done it, the time is its.

    `cpu_seconds` would be fairer to a busy machine, but a tool's children have none to tell.
    """

    name: str
    seconds: float
    was_resumed: bool


@dataclass(frozen=True, kw_only=True)
class ModuleArea:
    """One instance: `path` in the design ("" is the top), its Verilog module, its own cells.

    The cells of the instances inside it are theirs.
    """

    path: str
    module: str
    area: Area


@dataclass(frozen=True, kw_only=True)
class MemoryUse:
    """One memory of the design: `words` of `width_bits`, and the primitives that hold it.

    `block_bits_used` are all bits of the RAM blocks that it takes; 0 where it lies in LUTs or
    registers.
    """

    path: str
    instance: str
    width_bits: int
    words: int
    bits_asked: int
    block_bits_used: int
    primitives: Mapping[str, int]


@dataclass(frozen=True, kw_only=True)
class PathStep:
    """One step of a critical path: `kind` is clock-to-out, logic, routing or setup.

    `cell` is the place in our names, `instance` the instance that holds it, `operation` what the
    Verilog says there ("33-bit add", "" where synthesis left nothing to tell), `line` its line.
    """

    kind: str
    seconds: float
    cell: str
    instance: str
    primitive: str
    operation: str
    line: int


@dataclass(frozen=True, kw_only=True)
class ClockTiming:
    """One clock after place and route. `slack_seconds` is negative where the target is missed."""

    name: str
    fmax_hz: float
    target_hz: float
    slack_seconds: float
    path: tuple[PathStep, ...]

    @property
    def is_met(self) -> bool:
        """Whether the clock runs at its target."""
        return self.fmax_hz >= self.target_hz


@dataclass(frozen=True, kw_only=True)
class SeedRun:
    """Place and route with one seed of several: its worst clock; None where there is none."""

    seed: int
    slack_seconds: float | None = None
    fmax_hz: float | None = None

    @property
    def text(self) -> str:
        """For people."""
        if self.slack_seconds is None or self.fmax_hz is None:
            return f"seed {self.seed} without result"
        slack = f"{self.slack_seconds * 1e9:+.2f} ns"
        return f"seed {self.seed} {self.fmax_hz / 1e6:.1f} MHz ({slack})"


@dataclass(frozen=True, kw_only=True)
class Use:
    """How much of one kind of resource the device has and the placed design takes."""

    name: str
    used: int
    available: int


@dataclass(frozen=True, kw_only=True)
class Synthesis:
    """Everything that is known of a design on a device.

    `cells`: primitives by type; registers that moved into a multiplier are none any more. `clocks`
    and `uses` are empty before place and route. `limits`: what limits the clock, in words. `files`:
    results by what they are, relative to the folder. `seed`: of the placed design; `seeds`: all
    that were tried, where there were several.
    """

    top: str
    target: Target
    verilog_sha256: str
    stages: tuple[StageTime, ...]
    modules: tuple[ModuleArea, ...]
    memories: tuple[MemoryUse, ...]
    cells: Mapping[str, int]
    clocks: tuple[ClockTiming, ...] = ()
    uses: tuple[Use, ...] = ()
    limits: tuple[str, ...] = ()
    files: Mapping[str, str] = field(default_factory=dict)
    versions: Mapping[str, str] = field(default_factory=dict)
    seed: int = 1
    seeds: tuple[SeedRun, ...] = ()

    @property
    def total(self) -> Area:
        """The area of the whole design."""
        return reduce(lambda a, b: a + b, (row.area for row in self.modules), Area())

    def within(self, path: str) -> Area:
        """The area of an instance with everything inside it; "" is the whole design."""
        if not path:
            return self.total
        inside = (r.area for r in self.modules if r.path == path or r.path.startswith(f"{path}."))
        return reduce(lambda a, b: a + b, inside, Area())

    @property
    def is_placed(self) -> bool:
        """Whether place and route came to its end, whatever it reported."""
        return any(stage.name.partition("_")[0] == PNR for stage in self.stages)

    @property
    def fmax_hz(self) -> float | None:
        """Of the slowest clock; None before place and route."""
        return min((clock.fmax_hz for clock in self.clocks), default=None)
