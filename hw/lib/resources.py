"""LUTs, registers, multipliers, RAM blocks and clock of a design, by fitted coefficients. Pure.

    lut = sum over parts of coefficient * first estimate + LUTs that are memory
    ff  = sum over parts of coefficient * registers counted

The first estimates are those of `structure`; multipliers and RAM blocks come from rules alone. The
coefficients are fitted to a table of real synthesis runs (docs/resources.md) and lie with their
provenance in `resource_coefficients.json`, which `benchmarks/resources.py --fit` writes. A part
that no run has seen keeps its first estimate.
"""

import json
import math
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any, Final

from .structure import Structure

__all__ = ["Accuracy", "Resources", "clock_features", "coefficients", "resources_of"]

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


@dataclass(frozen=True, kw_only=True)
class Resources:
    """What a design takes in a family of devices.

    `lut` counts every LUT site that is taken, those of carry chains and memories included
    (`lut_ram` are the latter); `ram_blocks` blocks of 18 kbit, `ram_bits` the bits asked of them.
    `period_seconds`: an estimate of the shortest clock period after place and route, None where no
    placed design has been seen. `accuracy` by `lut`, `ff` and `period`.
    """

    family: str
    lut: int
    ff: int
    dsp: int
    ram_blocks: int
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
    found = (coefficients() if table is None else table).get("families", {})
    family = found.get(structure.family, {})
    lut = _weighted(structure.lut, family.get("lut", {}).get(structure.space, {}))
    ff = _weighted(structure.ff, family.get("ff", {}).get(structure.space, {}))
    luts = round(lut + structure.lut_ram)
    return Resources(
        family=structure.family,
        lut=luts,
        ff=round(ff),
        dsp=structure.dsp,
        ram_blocks=structure.ram_blocks,
        ram_bits=structure.ram_bits,
        lut_ram=structure.lut_ram,
        period_seconds=_period(structure, luts, family.get("period")),
        accuracy={name: Accuracy(**found) for name, found in family.get("accuracy", {}).items()},
    )


def clock_features(structure: Structure, lut: float) -> dict[str, float]:
    """What a clock period is a sum of: kind, size, longest sum and comparison, largest choice."""
    return {
        "base": 1.0,
        f"space {structure.space}": 1.0,
        f"kind {structure.kind}": 1.0,
        "log2_lut": math.log2(max(2.0, lut)),
        "sum_bits": structure.widest_sum,
        "test_bits": structure.widest_test,
        "log2_ways": math.log2(structure.most_ways),
        "has_dsp": float(structure.dsp > 0),
        "levels": float(structure.levels),
    }


def _weighted(amounts: Mapping[str, float], weights: Mapping[str, float]) -> float:
    return sum(weights.get(part, 1.0) * amount for part, amount in amounts.items())


def _period(structure: Structure, lut: float, weights: Mapping[str, float] | None) -> float | None:
    """Seconds, from coefficients in nanoseconds."""
    if not weights:
        return None
    features = clock_features(structure, lut)
    return 1e-9 * sum(weights.get(name, 0.0) * value for name, value in features.items())
