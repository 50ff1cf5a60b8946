"""The published RTL cycles of Gemmini, and the fit of the model's four times to half of them.

The table (`gemmini_rtl_error.csv`) is derived from ucb-bar/dosa, data/firesim_test_data (C. Hong et
al., DOSA, MICRO 2023). It has two measurements of a layer: `target.gemmini_auto_cycle`, Gemmini's
own tiles, which our model, SCALE-Sim's formula and the ideal are held against; and
`target.gemmini_cycle`, the tiles of another mapper, for which `target.cycle` is Timeloop's number.
"""

from __future__ import annotations

import csv
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from scipy.optimize import minimize
from tilewright.dse.workloads.layers import Convolution, Layer, Matmul

from .gemmini import DEFAULT_MACHINE, mean_error, tiles_of, timed
from .gemmini_machine import GemminiTimes

START = GemminiTimes(request=6.0, llc=9.0, dram=50.0, candidate=280.0)
_SWEEPS = 3


@dataclass(frozen=True, kw_only=True)
class Measured:
    """One row of the table: a layer, cycles in RTL, and what others say."""

    layer: Layer
    cycles: float
    scale_sim: float
    ideal: float
    mapped_cycles: float
    timeloop: float


def read_measured(path: Path) -> tuple[Measured, ...]:
    """The rows of the table. Rows of one column and 1x1 taps are products, as they were run."""
    with path.open(newline="", encoding="utf-8") as file:
        return tuple(_measured(row) for row in csv.DictReader(file))


def _measured(row: dict[str, str]) -> Measured:
    B, K, C, OX, OY, FY, FX, stride = (
        int(row[f"prob.{letter}"]) for letter in ("N", "K", "C", "P", "Q", "R", "S", "Wstride")
    )
    layer: Layer
    if OY == FY == FX == 1:
        layer = Matmul(name="measured", M=B * OX, K=C, N=K)
    else:
        layer = Convolution(
            name="measured",
            B=B,
            K=K,
            C=C,
            OY=OY,
            OX=OX,
            FY=FY,
            FX=FX,
            stride=(stride, stride),
        )
    return Measured(
        layer=layer,
        cycles=float(row["target.gemmini_auto_cycle"]),
        scale_sim=float(row["scalesim_ws"]),
        ideal=float(row["ideal_ws"]),
        mapped_cycles=float(row["target.gemmini_cycle"]),
        timeloop=float(row["target.cycle"]),
    )


def training_half(rows: Sequence[Measured], seed: int) -> frozenset[Layer]:
    """Half of the distinct layers, drawn at random; all rows of a layer are on one side."""
    layers = sorted({row.layer for row in rows}, key=repr)
    order = np.random.default_rng(seed).permutation(len(layers))
    return frozenset(layers[place] for place in order[: (len(layers) + 1) // 2])


def errors(rows: Sequence[Measured], times: GemminiTimes) -> float:
    """Mean error of the model over these rows."""
    return mean_error(predicted(rows, times), [row.cycles for row in rows])


def predicted(rows: Sequence[Measured], times: GemminiTimes) -> list[float]:
    """Cycles of the model for these rows; a layer is timed once."""
    of_layer = {
        layer: timed(tiles_of(layer), times, DEFAULT_MACHINE)
        for layer in dict.fromkeys(row.layer for row in rows)
    }
    return [of_layer[row.layer] for row in rows]


def fitted(rows: Sequence[Measured], start: GemminiTimes = START) -> GemminiTimes:
    """The times with the least mean error over `rows`: a simplex search, run again from its end."""
    scale = np.array([start.request, start.llc, start.dram, start.candidate])
    point = np.ones(len(scale))
    for _ in range(_SWEEPS):
        found = minimize(
            lambda p: errors(rows, _times(np.abs(p) * scale)),
            point,
            method="Nelder-Mead",
            options={"maxfev": 250, "xatol": 1e-4, "fatol": 1e-6, "adaptive": True},
        )
        point = np.abs(found.x)
    return _times(point * scale)


def _times(values: Iterable[float]) -> GemminiTimes:
    request, llc, dram, candidate = (float(value) for value in values)
    return GemminiTimes(request=request, llc=llc, dram=dram, candidate=candidate)
