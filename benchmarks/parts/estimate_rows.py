"""Rows of `exploration.py` on the vectorised estimate: its speed, its error, its energy tables.

Seconds are processor seconds, those of all threads: what one idle core takes at most. Every design
is another one, and layers that are equal are counted once: a design-layer is a product of its own.
The 100,000 designs are evaluated with nothing kept from before; the rate is that of a second time,
when parts of accelerators (not designs) have been met before, as in all but the first blocks of a
sweep. Errors are against the exact estimate of the compiled program, which simulated Verilog equals
to the cycle.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from typing import Any

import numpy as np
from tilewright.dse.block_estimate import block_evaluation
from tilewright.dse.energy.ranking import agreements
from tilewright.dse.energy.tables import DEFAULT, TABLES
from tilewright.dse.space import BLOCK_DESIGNS, Columns, Space
from tilewright.dse.space_domains import Listed, Parameter, Powers, When
from tilewright.dse.sweep_tasks import REFUSED, Evaluation
from tilewright.dse.workloads.read import library_workload

from parts.estimate_errors import ENGINE, FAMILY, MEMORY, PAD, SPEC, error_rows
from parts.form import Row
from tilewright.catalog import load_spec

DESIGNS, NETWORK = 100_000, "resnet50"
UNSHARED, SEED = 20_000, 3
GOAL_NANOSECONDS, GOAL_SECONDS = 200.0, 3.0  # 5 million design-layers per second


def estimate_rows() -> list[Row]:
    """All of them."""
    columns = list(blocks_of(space(), DESIGNS))
    speed, energies = _speed(columns)
    return [*speed, *error_rows(), *_rankings(energies)]


def space() -> Space:
    """115,200 systolic accelerators."""
    dataflow = f"{ENGINE}dataflow"
    is_ws = When(path=dataflow, among=("weight_stationary",))
    return Space(
        parameters=(
            Parameter(path=f"{ENGINE}rows", domain=Powers(start=4, stop=32)),
            Parameter(path=f"{ENGINE}cols", domain=Powers(start=4, stop=32)),
            Parameter(
                path=dataflow, domain=Listed(values=("output_stationary", "weight_stationary"))
            ),
            Parameter(
                path=f"{ENGINE}accumulator_rows", domain=Powers(start=64, stop=512), when=is_ws
            ),
            Parameter(path=f"{ENGINE}requantize.mode", domain=Listed(values=("exact", "fixed"))),
            Parameter(path=f"{PAD}capacity", domain=Powers(start=256 << 10, stop=4096 << 10)),
            Parameter(path=f"{PAD}banks", domain=Powers(start=4, stop=16)),
            Parameter(path=f"{MEMORY}bytes_per_cycle", domain=Powers(start=4, stop=32)),
            Parameter(path=f"{MEMORY}latency_cycles", domain=Listed(values=(20, 40, 80))),
            Parameter(path=f"{MEMORY}outstanding", domain=Powers(start=2, stop=16)),
        )
    )


def blocks_of(designs: Space, count: int) -> Iterator[Columns]:
    """Columns of `count` designs, evenly spread, in blocks as a sweep makes them."""
    indices = np.linspace(0, designs.size - 1, count).astype(np.int64)
    for start in range(0, count, BLOCK_DESIGNS):
        yield designs.columns_at(indices[start : start + BLOCK_DESIGNS])


def _speed(columns: list[Columns]) -> tuple[list[Row], dict[str, Any]]:
    workload = library_workload(NETWORK)
    tables = [TABLES[DEFAULT]]
    evaluation = block_evaluation(workload, load_spec(SPEC), tables, family=FAMILY)
    found, first_seconds = _timed(evaluation, columns)
    _, seconds = _timed(evaluation, columns)
    products = len(evaluation.many.ops.M)
    fitting = sum(int(np.equal(block[REFUSED], None).sum()) for block in found)
    nanoseconds = 1e9 * seconds / (DESIGNS * products)
    rows: list[Row] = [
        {"case": "estimate_ns_per_design_layer", "value": round(nanoseconds, 1),
         "goal": GOAL_NANOSECONDS, "millions_per_second": round(1e3 / nanoseconds, 2)},
        {"case": f"estimate_seconds_{DESIGNS}_designs_{NETWORK}", "value": round(first_seconds, 2),
         "goal": GOAL_SECONDS, "distinct_layers": products, "fitting_designs": fitting},
    ]  # fmt: skip
    some = unshared_columns()
    first_time, second_time = (_timed(evaluation, [some])[1] for _ in range(2))
    apart = UNSHARED * products / 1e9
    rows.append(
        {"case": "estimate_ns_per_design_layer_unshared", "value": round(second_time / apart, 1),
         "first_time": round(first_time / apart, 1), "designs": UNSHARED}
    )  # fmt: skip
    every = [TABLES[DEFAULT], *(t for name, t in TABLES.items() if name != DEFAULT)]
    some = {path: column[:: len(column) // 2000] for path, column in columns[0].items()}
    told = block_evaluation(workload, load_spec(SPEC), every, family=FAMILY).many(some)
    good = np.equal(told[REFUSED], None)
    names = {DEFAULT: "energy_uj"} | {t.name: f"energy_by_{t.name}" for t in every[1:]}
    return rows, {table: told[metric][good] for table, metric in names.items()}


def unshared_columns() -> Columns:
    """Designs of which hardly two have a tiling, a scratchpad or an engine in common."""
    rng = np.random.default_rng(SEED)
    rows, cols = rng.integers(1, 65, UNSHARED), rng.choice([1, 2, 4, 8, 16, 32, 64], UNSHARED)
    lanes = cols * -(-np.maximum(rows, cols) // cols)
    word_bytes = 1 << np.ceil(np.log2(lanes)).astype(np.int64)
    banks = rng.integers(3, 33, UNSHARED)
    return {
        f"{ENGINE}rows": rows,
        f"{ENGINE}cols": cols,
        f"{ENGINE}lanes": lanes,
        f"{PAD}banks": banks,
        f"{PAD}capacity": banks * word_bytes * (1 << rng.integers(8, 14, UNSHARED)),
        f"{MEMORY}bytes_per_cycle": rng.choice([4, 8, 16], UNSHARED),
    }


def _timed(evaluation: Evaluation, columns: list[Columns]) -> tuple[list[Columns], float]:
    assert evaluation.many is not None
    begin = time.process_time()
    found = [evaluation.many(block) for block in columns]
    return found, time.process_time() - begin


def _rankings(energies: dict[str, Any]) -> list[Row]:
    """How far another table orders the same designs as the default one."""
    return [
        {"case": f"energy_order_{pair.first}_as_{pair.second}", "value": round(pair.tau, 3),
         "measure": "Kendall's tau", "loss_percent": round(100 * pair.loss, 1)}
        for pair in agreements(energies)
        if pair.first == DEFAULT
    ]  # fmt: skip
