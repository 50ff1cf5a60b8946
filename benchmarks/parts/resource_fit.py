"""Fits the coefficients of the resource model to the table, and says how far off it is.

Least squares of the relative errors with coefficients of at least 0, drawn towards a first
value as far as the designs do not say otherwise:

    minimise  sum over designs ((estimate - found) / found)**2
              + PULL * sum over coefficients ((coefficient - first) / scatter)**2

The first values of LUTs are, for all parts of a space, the one factor that fits its designs best.
Of a clock period, what a space or a kind of design adds may be negative: a kind that no placed
design is of gets the mean of the others.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any, Final

import numpy as np
from scipy.optimize import lsq_linear
from tilewright.hw.lib.resources import clock_features, resources_of
from tilewright.hw.lib.structure import IN_BLOCKS, Structure

from .resource_table import Row
from .samples import Sample as SampleOf

PULL: Final = {"lut": 0.005, "ff": 0.05, "period": 0.012}
"""Square of (scatter of a design / scatter of a coefficient) that is expected."""

FIRST_NS: Final = {"base": 2.0, "log2_lut": 0.3, "sum_bits": 0.05, "test_bits": 0.1,
                   "log2_ways": 0.5, "levels": 1.0}  # fmt: skip
"""A register with its wire; what a carry, a level of choice, a doubling of the design add."""

SCATTER_NS: Final = {"space": 1.0, "kind": 0.5}
"""How far spaces and kinds lie apart; all else is less known: `UNKNOWN_NS`."""
UNKNOWN_NS: Final = 3.0

LEAST_PLACED: Final = 6
"""Placed designs without which there is no clock estimate."""


@dataclass(frozen=True)
class Prior:
    """Where a coefficient starts, how far it may be from there, and the least that it can be."""

    first: float
    scatter: float = 1.0
    least: float = 0.0


Sample = SampleOf[Row]
Amounts = Mapping[tuple[str, str], float]


def fit_family(samples: Sequence[Sample], prior: Mapping[str, Any]) -> dict[str, Any]:
    """Coefficients of one family from the samples that are not held out.

    `prior`: coefficients of a related family, where there is one: first values instead of 1.
    """
    seen = [sample for sample in samples if not sample.row.held_out]
    table: dict[str, Any] = {}
    for name in ("lut", "ff"):
        amounts = [_amounts(sample.structure, name) for sample in seen]
        targets = [_target(sample, name) for sample in seen]
        totals = [float(getattr(sample.row, name)) for sample in seen]
        scales = _scales(amounts, targets) if name == "lut" else {}
        first = partial(_first, prior.get(name, {}), scales)
        found = least_squares(amounts, targets, totals, PULL[name], first)
        spaces: dict[str, dict[str, float]] = {}
        for (space, part), value in sorted(found.items()):
            spaces.setdefault(space, {})[part] = round(value, 4)
        table[name] = spaces
    placed = [sample for sample in seen if sample.row.fmax_mhz]
    if len(placed) >= LEAST_PLACED:
        table["period"] = _fit_period(placed, table)
    return table


def _first(prior: Mapping[str, Any], scales: Mapping[str, float], key: tuple[str, str]) -> Prior:
    """Where a coefficient starts: what is in multiplier blocks takes nothing else."""
    space, part = key
    plain = 0.0 if part.endswith(IN_BLOCKS) else scales.get(space, 1.0)
    return Prior(float(prior.get(space, {}).get(part, plain)))


def _scales(amounts: Sequence[Amounts], targets: Sequence[float]) -> dict[str, float]:
    """For each space the factor of all first estimates with the least relative errors."""
    ratios: dict[str, list[float]] = {}
    for found, target in zip(amounts, targets, strict=True):
        space = next(iter(found))[0]
        plain = sum(value for (_, part), value in found.items() if not part.endswith(IN_BLOCKS))
        ratios.setdefault(space, []).append(plain / max(1.0, target))
    return {space: sum(r) / sum(x * x for x in r) for space, r in ratios.items()}


def _amounts(structure: Structure, name: str) -> Amounts:
    return {(structure.space, part): value for part, value in getattr(structure, name).items()}


def _target(sample: Sample, name: str) -> float:
    """What the parts have to add up to."""
    memory = sample.structure.lut_ram if name == "lut" else 0
    return float(getattr(sample.row, name) - memory)


def _fit_period(placed: Sequence[Sample], table: Mapping[str, Any]) -> dict[str, float]:
    """Coefficients in nanoseconds."""
    features = []
    for sample in placed:
        lut = resources_of(sample.structure, _as_table(sample.row.family, table)).lut
        features.append({("", k): v for k, v in clock_features(sample.structure, lut).items()})
    periods = [1e3 / float(sample.row.fmax_mhz) for sample in placed]
    found = least_squares(features, periods, periods, PULL["period"], _first_delay)
    return {name: round(value, 4) for (_, name), value in sorted(found.items())}


def _first_delay(key: tuple[str, str]) -> Prior:
    """Nanoseconds from which a coefficient of the period starts."""
    scatter = SCATTER_NS.get(key[1].partition(" ")[0])
    if scatter is not None:
        return Prior(0.0, scatter, -np.inf)
    return Prior(FIRST_NS.get(key[1], 0.0), UNKNOWN_NS)


def least_squares(
    amounts: Sequence[Amounts],
    targets: Sequence[float],
    totals: Sequence[float],
    pull: float,
    prior: Callable[[tuple[str, str]], Prior],
) -> dict[tuple[str, str], float]:
    keys = sorted({key for found in amounts for key, value in found.items() if value})
    if not keys:
        return {}
    matrix = np.array([[found.get(key, 0.0) for key in keys] for found in amounts])
    weights = 1 / np.maximum(1.0, np.array(totals))
    priors = [prior(key) for key in keys]
    pulls = np.array([np.sqrt(pull) / p.scatter for p in priors])
    left = np.vstack([matrix * weights[:, None], np.diag(pulls)])
    right = np.concatenate(
        [np.array(targets) * weights, pulls * np.array([p.first for p in priors])]
    )
    found = lsq_linear(left, right, bounds=([p.least for p in priors], np.inf), method="bvls")
    return dict(zip(keys, (float(value) for value in found.x), strict=True))


def _as_table(family: str, table: Mapping[str, Any]) -> dict[str, Any]:
    return {"families": {family: table}}


@dataclass(frozen=True)
class Errors:
    """Relative errors of the held-out designs of one family, by design."""

    name: str
    by_key: Mapping[str, float]

    @property
    def mean(self) -> float:
        return float(np.mean(np.abs([*self.by_key.values()]))) if self.by_key else 0.0

    @property
    def worst(self) -> float:
        return float(np.max(np.abs([*self.by_key.values()]))) if self.by_key else 0.0


def errors_of(
    samples: Sequence[Sample], table: Mapping[str, Any], *, held_out: bool = True
) -> dict[str, Errors]:
    """Errors of LUTs, registers and clock period; `dsp` and `ram_blocks` are differences."""
    errors: dict[str, dict[str, float]] = {
        name: {} for name in ("lut", "ff", "dsp", "ram_blocks", "period")
    }
    for sample in samples:
        row = sample.row
        if row.held_out != held_out:
            continue
        found = resources_of(sample.structure, _as_table(row.family, table))
        for name in ("lut", "ff"):
            errors[name][row.key] = getattr(found, name) / getattr(row, name) - 1
        for name in ("dsp", "ram_blocks"):
            errors[name][row.key] = getattr(found, name) - getattr(row, name)
        if row.fmax_mhz and found.period_seconds is not None:
            measured = 1e-6 / float(row.fmax_mhz)
            errors["period"][row.key] = found.period_seconds / measured - 1
    return {name: Errors(name, found) for name, found in errors.items()}
