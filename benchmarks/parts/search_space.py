"""The space on which searches are compared: systolic accelerators for a small network, 15,360
designs, evaluated in no time so that the true front is known.

A design is the array (rows, columns, dataflow, depth of the weight-stationary accumulator), the
scratchpad (capacity, banks) and the memory port (width, outstanding bursts). Cycles of the array
are those of the templates' laws (`tilewright.hw.systolic.cost`, `cost_ws`) for tiles that follow
each other without a gap; operands are read again for every part of the results that fits the
scratchpad, and a layer takes the longer of both. Area is a plain sum: multipliers, control per PE,
requantizers, scratchpad bits, ports and buffers; its unit is a gate or so. Bytes are those at the
memory port.
"""

from collections.abc import Mapping
from functools import cache
from typing import Any

import numpy as np
from tilewright.dse.space import Space
from tilewright.dse.space_domains import Listed, Parameter, Powers, When
from tilewright.dse.space_goals import Constraint, Goals, Objective
from tilewright.dse.sweep import Sweep
from tilewright.dse.sweep_tasks import Evaluation
from tilewright.hw.systolic import cost, cost_ws
from tilewright.hw.systolic.params import SystolicParams

LAYERS = ((196, 576, 64), (49, 1152, 128), (784, 147, 64), (1, 2048, 1000))
"""M, K, N of four layers: convolutions as matmuls, a classifier."""
LATENCY_CYCLES, BURST_BEATS = 60, 16
WORD_LANES = 32
MOST_AREA = 1_500_000
METRICS = ("cycles", "area", "bytes")


def space() -> Space:
    """The designs."""
    is_ws = When(path="array.dataflow", among=("weight_stationary",))
    return Space(
        parameters=(
            Parameter(path="array.rows", domain=Powers(start=4, stop=32)),
            Parameter(path="array.cols", domain=Powers(start=4, stop=32)),
            Parameter(
                path="array.dataflow",
                domain=Listed(values=("output_stationary", "weight_stationary")),
            ),
            Parameter(
                path="array.accumulator_rows", domain=Powers(start=64, stop=512), when=is_ws,
                otherwise=64,
            ),
            Parameter(path="scratchpad.capacity", domain=Powers(start=16 << 10, stop=512 << 10)),
            Parameter(path="scratchpad.banks", domain=Listed(values=(4, 8))),
            Parameter(path="memory.bytes_per_cycle", domain=Powers(start=4, stop=32)),
            Parameter(path="memory.outstanding", domain=Powers(start=1, stop=8)),
        )
    )  # fmt: skip


def goals(*metrics: str) -> Goals:
    """Small metrics (cycles, area, bytes), and an area that a chip has room for."""
    return Goals(
        objectives=tuple(Objective(metric=metric) for metric in metrics),
        constraints=(Constraint(name="room", metric="area", maximum=MOST_AREA),),
    )


def sweep(*metrics: str) -> Sweep:
    """The whole task."""
    evaluation = Evaluation(name="search_space", metrics=METRICS, many=evaluate)
    return Sweep(space=space(), goals=goals(*metrics), evaluation=evaluation)


def evaluate(columns: Mapping[str, Any]) -> dict[str, Any]:
    """Cycles, area and bytes of each design."""
    cycles, moved = 0, 0
    for layer in LAYERS:
        one_cycles, one_bytes = _layer(columns, layer)
        cycles, moved = cycles + one_cycles, moved + one_bytes
    return {"cycles": cycles, "area": _area(columns), "bytes": moved}


def _layer(columns: Mapping[str, Any], layer: tuple[int, int, int]) -> tuple[Any, Any]:
    """Cycles and bytes at the memory port of one layer."""
    m, k, n = layer
    keys = np.stack([np.asarray(columns[f"array.{name}"]).astype(object) for name in
                     ("rows", "cols", "dataflow", "accumulator_rows")], axis=1)  # fmt: skip
    array = np.array([_array_cycles(*key, layer) for key in keys.tolist()])
    # A bank is for activations, weights or results; each is double buffered.
    banks, capacity = columns["scratchpad.banks"], columns["scratchpad.capacity"]
    share = capacity // banks * ((banks - 1) // 2) // 2
    rows_at_once = np.clip(share // k, 1, m)
    columns_at_once = np.clip(share // k, 1, n)
    by_rows = m * k + k * n * -(-m // rows_at_once)
    by_columns = k * n + m * k * -(-n // columns_at_once)
    moved = np.minimum(by_rows, by_columns) + m * n
    width = columns["memory.bytes_per_cycle"]
    in_flight = columns["memory.outstanding"] * BURST_BEATS
    # Bursts that are on their way hide the latency, or the port waits for them.
    beats = -(-moved // width)
    waits = np.maximum(LATENCY_CYCLES - in_flight, 0) / in_flight
    memory = np.ceil(beats * (1 + waits)).astype(np.int64)
    return np.maximum(array, memory) + LATENCY_CYCLES, moved


@cache
def _array_cycles(
    rows: int, cols: int, dataflow: str, depth: int, layer: tuple[int, int, int]
) -> int:
    """The array's cycles by the laws of its template."""
    m, k, n = layer
    params = SystolicParams(
        rows=rows, cols=cols, lanes=WORD_LANES, dataflow=dataflow, accumulator_rows=depth
    )  # type: ignore[arg-type]
    k_blocks = -(-k // WORD_LANES)
    column_tiles = -(-n // cols)
    if dataflow == "output_stationary":
        tiles = -(-m // rows) * column_tiles
        tile = cost.tile_cycles(params, k_blocks)
        return tiles * tile + cost.first_output_cycles(params) + rows
    whole, rest = divmod(m, depth)
    cycles = whole * cost_ws.packet_cycles(params, depth, k_blocks)
    cycles += cost_ws.packet_cycles(params, rest, k_blocks) if rest else 0
    return column_tiles * cycles + cost_ws.first_output_cycles(params) + rows


def _area(columns: Mapping[str, Any]) -> Any:
    rows, cols = columns["array.rows"], columns["array.cols"]
    is_ws = columns["array.dataflow"] == "weight_stationary"
    width, outstanding = columns["memory.bytes_per_cycle"], columns["memory.outstanding"]
    banks, capacity = columns["scratchpad.banks"], columns["scratchpad.capacity"]
    per_pe = np.where(is_ws, 780, 690)
    requantizers = 2900 * cols
    accumulators = np.where(is_ws, 14 * cols * columns["array.accumulator_rows"], 0)
    scratchpad = 2 * capacity + banks * 32 * WORD_LANES
    port = 260 * width + 90 * outstanding * width
    return rows * cols * per_pe + requantizers + accumulators + scratchpad + port + 9000
