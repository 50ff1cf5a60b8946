"""LUTs, registers, multipliers, RAM blocks and clock of a design, by fitted coefficients. Pure.

    lut = sum over parts of coefficient * first estimate + LUTs that are memory
    ff  = sum over parts of coefficient * registers counted

The first estimates are those of `structure`; multipliers and RAM blocks come from rules alone. The
coefficients are fitted to a table of real synthesis runs (docs/resources.md) and lie with their
provenance in `resource_coefficients.json`, which `benchmarks/resources.py --fit` writes. A part
that no run has seen keeps its first estimate, 0 for what multiplier blocks hold.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any, Final, Protocol

import numpy as np

from .memory_mapping import BLOCKS
from .structure import IN_BLOCKS, Structure

__all__ = [
    "Accuracy",
    "ClockParts",
    "Resources",
    "clock_features",
    "coefficients",
    "fitted_amounts",
    "period_seconds",
    "resources_of",
]

FILE: Final = Path(__file__).with_name("resource_coefficients.json")


@dataclass(frozen=True, kw_only=True)
class Accuracy:
    """How far estimates are from synthesis on designs that no fit has seen: relative errors.

    `fitted` and `held_out` are numbers of designs.
    """

    mean: float
    worst: float
    fitted: int
    held_out: int


COUNTED: Final = ("lut", "ff", "dsp", "ram_blocks", "large_ram_blocks")
"""What a device has a number of, by the fields of `Resources`."""


def counted_in(family: str | None) -> tuple[str, ...]:
    """Of these what a family can have; None: what every family can."""
    has_large = any(kind.large for kind in BLOCKS.get(family or "", ()))
    return tuple(name for name in COUNTED if has_large or name != "large_ram_blocks")


@dataclass(frozen=True, kw_only=True)
class Resources:
    """What a design takes in a family of devices.

    `lut` counts every LUT site that is taken, those of carry chains and memories included
    (`lut_ram` are the latter); `ram_blocks` blocks of 18 kbit, `large_ram_blocks` UltraRAM of 288,
    `ram_bits` the bits asked of both.
    `period_seconds`: an estimate of the shortest clock period after place and route, None where no
    placed design has been seen. `accuracy` by `lut`, `ff` and `period`.
    """

    family: str
    lut: int
    ff: int
    dsp: int
    ram_blocks: int
    large_ram_blocks: int
    ram_bits: int
    lut_ram: int
    period_seconds: float | None
    accuracy: Mapping[str, Accuracy]

    @property
    def fmax_hz(self) -> float | None:
        """The clock that belongs to the period."""
        return None if self.period_seconds is None else 1 / self.period_seconds


@cache
def coefficients() -> Mapping[str, Any]:
    """The fitted table: by family `lut`, `ff` (space, then part), `period`, `accuracy`."""
    loaded: dict[str, Any] = json.loads(FILE.read_text()) if FILE.exists() else {}
    return loaded


def resources_of(structure: Structure, table: Mapping[str, Any] | None = None) -> Resources:
    """The fitted estimate of a design; `table` instead of the committed one, for the fit itself."""
    family = _family(structure.family, table)
    lut, ff = fitted_amounts(structure, table)
    luts = round(lut + structure.lut_ram)
    return Resources(
        family=structure.family,
        lut=luts,
        ff=round(ff),
        dsp=structure.dsp,
        ram_blocks=structure.ram_blocks,
        large_ram_blocks=structure.large_ram_blocks,
        ram_bits=structure.ram_bits,
        lut_ram=structure.lut_ram,
        period_seconds=_one(_period(structure, luts, family.get("period"))),
        accuracy={name: Accuracy(**found) for name, found in family.get("accuracy", {}).items()},
    )


def fitted_amounts(
    structure: Structure, table: Mapping[str, Any] | None = None
) -> tuple[float, float]:
    """LUTs without those that are memory, and registers: sums over parts, so that a design's are
    the sums of its parts' structures.
    """
    family = _family(structure.family, table)
    in_blocks = 0.0 if structure.costs.dsp_packs else 1.0
    lut, ff = (
        _weighted(amounts, family.get(name, {}).get(structure.space, {}), in_blocks)
        for name, amounts in (("lut", structure.lut), ("ff", structure.ff))
    )
    return lut, ff


class ClockParts(Protocol):
    """What `Structure` says of the clock; numbers may be arrays, one entry for each design."""

    space: str
    kind: str
    dsp: Any
    levels: Any
    widest_sum: Any
    widest_test: Any
    most_ways: Any


def clock_features(structure: ClockParts, lut: Any) -> dict[str, Any]:
    """What a clock period is a sum of: kind, size, longest sum and comparison, largest choice."""
    return {
        "base": 1.0,
        f"space {structure.space}": 1.0,
        f"kind {structure.kind}": 1.0,
        "log2_lut": np.log2(np.maximum(2.0, lut)),
        "sum_bits": structure.widest_sum,
        "test_bits": structure.widest_test,
        "log2_ways": np.log2(structure.most_ways),
        "has_dsp": np.float64(structure.dsp > 0),
        "levels": structure.levels,
    }


def _weighted(
    amounts: Mapping[str, float], weights: Mapping[str, float], in_blocks: float
) -> float:
    """`in_blocks`: the coefficient of parts in multiplier blocks that no run has seen."""
    return sum(
        weights.get(part, in_blocks if part.endswith(IN_BLOCKS) else 1.0) * amount
        for part, amount in amounts.items()
    )


def period_seconds(structure: ClockParts, lut: Any, family: str) -> Any:
    """The estimate of the shortest clock period; None where no placed design has been seen."""
    return _period(structure, lut, _family(family, None).get("period"))


def _family(name: str, table: Mapping[str, Any] | None) -> Mapping[str, Any]:
    found: Mapping[str, Any] = (coefficients() if table is None else table).get("families", {})
    family: Mapping[str, Any] = found.get(name, {})
    return family


def _one(period: Any) -> float | None:
    return None if period is None else float(period)


def _period(structure: ClockParts, lut: Any, weights: Mapping[str, float] | None) -> Any:
    """Seconds, from coefficients in nanoseconds."""
    if not weights:
        return None
    features = clock_features(structure, lut)
    return 1e-9 * sum(weights.get(name, 0.0) * value for name, value in features.items())
