"""Cycles of SCALE-Sim without stalls, in closed form.

A fold of the array takes `T + rows + cols - 2` cycles, and `rows` more to preload a stationary
operand; there are `ceil(Sr / rows) * ceil(Sc / cols)` folds, and the count starts at 0. Sr, Sc, T
are (A. Samajdar et al., SCALE-Sim, ISPASS 2020, section II; `topology_utils.py` of version 3.0.0):

    output_stationary   M, N, K
    weight_stationary   K, N, M
    input_stationary    K, M, N

The tool reports this number for its `CALC` mode, and less its stalls in `USER` mode.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

DATAFLOWS = ("output_stationary", "weight_stationary", "input_stationary")


def no_stall_cycles(
    M: ArrayLike, K: ArrayLike, N: ArrayLike, rows: ArrayLike, cols: ArrayLike, dataflow: str
) -> NDArray[np.int64]:
    """Cycles of `MxK @ KxN` on an array of `rows` x `cols` PEs; all extents broadcast.

    Layers along one axis and arrays along another give a table of both at once.
    """
    m, k, n, r, c = (np.asarray(extent, np.int64) for extent in (M, K, N, rows, cols))
    if any((extent < 1).any() for extent in (m, k, n, r, c)):
        raise ValueError("extents must be 1 or more")
    if dataflow == "output_stationary":
        along_rows, along_cols, steps, preload = m, n, k, np.zeros_like(r)
    elif dataflow == "weight_stationary":
        along_rows, along_cols, steps, preload = k, n, m, r
    elif dataflow == "input_stationary":
        along_rows, along_cols, steps, preload = k, m, n, r
    else:
        raise ValueError(f"dataflow must be one of {', '.join(DATAFLOWS)}, got {dataflow!r}")
    folds = -(-along_rows // r) * -(-along_cols // c)
    cycles: NDArray[np.int64] = folds * (steps + r + c - 2 + preload) - 1
    return cycles


def ideal_cycles(
    M: ArrayLike, K: ArrayLike, N: ArrayLike, rows: ArrayLike, cols: ArrayLike
) -> NDArray[np.int64]:
    """Steps of a weight-stationary array that never fills or waits: `folds * M`."""
    m, k, n, r, c = (np.asarray(extent, np.int64) for extent in (M, K, N, rows, cols))
    cycles: NDArray[np.int64] = -(-k // r) * -(-n // c) * m
    return cycles
