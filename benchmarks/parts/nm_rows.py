"""Rows of the nm_sparse template: BERT-base GEMMs 2:8 against dense, and the operand mux.

A 16 x 16 array, groups of 8, an activation feed four times as wide as dense work needs, int8 in and
out with bias and exact requantisation. Cycles are those of the emitted Verilog under Verilator,
first transfer in to last transfer out, fill and drain included; every output word is compared. The
dense run is the same Verilog with N = M = 8.
"""

import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from tilewright.hw.nm_sparse.kernel import NMSparseKernel
from tilewright.hw.nm_sparse.params import NMSparseParams
from tilewright.hw.nm_sparse.pe import OperandMux, SparsePE
from tilewright.hw.systolic import law as systolic_law
from tilewright.hw.systolic.mapping import tile_loops
from tilewright.hw.systolic.params import SystolicParams
from tilewright.hw.systolic.pe import PE
from tilewright.sim.regress import Case, CaseResult, Job

from tilewright.build.kernel_run import simulate_kernel
from tilewright.build.verilog import emit
from tilewright.flow.case_parts import case_of
from tilewright.flow.nm_sparse_cases import Product, ports, work

from .area import area_of

SEED = 28
PARAMS = NMSparseParams(rows=16, cols=16, group=8, feed_lanes=4)
KEPT = 2
SHAPES = ((128, 768, 768), (128, 768, 3072), (128, 3072, 768))
GOAL_SPEEDUP, LIMIT_SPEEDUP = 3.95, 4.0
PEER_SPEEDUP = "1.75 over dense training (SAT), 3.74 at 1:4 (VEGETA)"
GOAL_LUT, LIMIT_LUT = 10, 8
LIMIT_CYCLES = 4_000_000
MODULE = "nm_sparse_16x16"

Row = dict[str, Any]


def rows(wants: Callable[[str], bool] = lambda case: True) -> list[Row]:
    """The rows of the cases that are wanted."""
    found = bert_rows() if wants("nm_2_8_bert") else []
    return found + (mux_rows() if wants("nm_mux_2_4") else [])


def bert_rows() -> list[Row]:
    """A row per GEMM and one for their sum."""
    jobs = [(shape, kept) for shape in SHAPES for kept in (KEPT, PARAMS.group)]
    done = {name: _simulated(*name) for name in jobs}
    found = []
    for shape in SHAPES:
        (sparse, result), (dense, dense_result) = done[shape, KEPT], done[shape, PARAMS.group]
        row: Row = {"case": "nm_2_8_bert", "gemm": "x".join(map(str, shape)), "seed": SEED}
        row |= {"cycles": result.cycles or 0, "estimate": sparse.expected_cycles}
        row |= {"dense_cycles": dense_result.cycles or 0, "dense_estimate": dense.expected_cycles}
        row |= {"systolic_estimate": _systolic_cycles(shape)}
        row |= {"is_right": result.is_passed and dense_result.is_passed}
        found.append(_with_speedup(row))
    total: Row = {"case": "nm_2_8_bert", "gemm": "sum", "seed": SEED}
    numbers = ("cycles", "estimate", "dense_cycles", "dense_estimate", "systolic_estimate")
    total |= {name: sum(row[name] for row in found) for name in numbers}
    total["is_right"] = all(row["is_right"] for row in found)
    return [*found, _with_speedup(total)]


def _with_speedup(row: Row) -> Row:
    speedup = round(row["dense_cycles"] / max(1, row["cycles"]), 3)
    return row | {
        "speedup": speedup,
        "peer": PEER_SPEEDUP,
        "limit": LIMIT_SPEEDUP,
        "goal": GOAL_SPEEDUP,
        "is_met": speedup >= GOAL_SPEEDUP
        and row["is_right"]
        and row["cycles"] == row["estimate"]
        and row["dense_cycles"] == row["dense_estimate"],
    }


def _simulated(shape: tuple[int, int, int], kept: int) -> tuple[Case, CaseResult]:
    """One GEMM; its words are gone afterwards, as the dense ones fill 100 MB."""
    m, k, n = shape
    product = Product(m=m, k=k, n=n, kept=kept)
    gemm = work(PARAMS, [product], np.random.default_rng(SEED))
    case = case_of(gemm.name, gemm, limit_cycles=LIMIT_CYCLES)
    job = Job(module=MODULE, ports=ports(PARAMS), cases=(case,), seed=SEED)
    with tempfile.TemporaryDirectory(prefix="tilewright-nm-") as folder:
        result = simulate_kernel(emit(NMSparseKernel(PARAMS), MODULE), job, Path(folder))
    if not result.cases:
        raise RuntimeError(f"{case.name}: {result.explain()}")
    return case, result.cases[0]


def _systolic_cycles(shape: tuple[int, int, int]) -> int:
    """The law of a dense `systolic` array of the same sides, for comparison."""
    params = SystolicParams(rows=PARAMS.rows, cols=PARAMS.cols, lanes=PARAMS.lanes)
    return systolic_law.kernel_cycles(params, [tile_loops(params, *shape)])


def mux_rows() -> list[Row]:
    """LUTs that selecting costs: the mux alone, and a PE with it less a dense PE."""
    params = NMSparseParams(rows=16, cols=16, group=4, feed_lanes=2)
    luts = {
        part: area_of(emit(part(params), "part_under_test"), "part_under_test").lut
        for part in (OperandMux, SparsePE, PE)
    }
    measured = {
        "mux alone": luts[OperandMux],
        "PE with mux less PE": luts[SparsePE] - luts[PE],
    }
    return [
        {
            "case": "nm_mux_2_4",
            "part": part,
            "lut": lut,
            "lut_with": luts[SparsePE],
            "lut_without": luts[PE],
            "peer": "none",
            "limit": LIMIT_LUT,
            "goal": GOAL_LUT,
            "is_met": lut <= GOAL_LUT,
        }
        for part, lut in measured.items()
    ]
