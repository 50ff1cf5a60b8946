"""The emitted Verilog of spmm kernels of the modes dynamic and broadcast under Verilator.

Words, cycles, stream rules. The standard cases hold every kind of matrix and packets back to back,
without stalls (cycles as the law says) and under every standard one; here corners are added by
name.
"""

from dataclasses import replace
from functools import partial
from pathlib import Path

import numpy as np
import pytest
from tilewright.hw.spmm import dynamic_cost, dynamic_mapping
from tilewright.hw.spmm.banks import Placement
from tilewright.hw.spmm.entries import cut
from tilewright.hw.spmm.kernel import SpmmKernel
from tilewright.hw.spmm.params import SpmmParams
from tilewright.sim.regress import Case, Job
from tilewright.sim.vectors import LONG_PAUSE, StallPattern

from tilewright.build.verilog import emit
from tilewright.catalog import load_spec
from tilewright.flow.case_parts import case_of
from tilewright.flow.spmm_cases import job, params_of, ports, work
from tilewright.flow.spmm_entry_work import dynamic_work
from tilewright.flow.spmm_work import Matrices, draw_matrices
from tilewright.spec.numbers import NumberFormat

SEED = 47
EXAMPLES = Path(__file__).resolve().parents[2] / "examples" / "kernels"


def example(name: str) -> SpmmParams:
    """The parameters of an example."""
    return params_of(load_spec(EXAMPLES / f"{name}.yaml").kernel)


PARAMS = {name: example(name) for name in ("spmm_dynamic", "spmm_dynamic_blocks", "spmm_broadcast")}
LESS_USUAL = {
    "spmm_dynamic_least": SpmmParams(
        mode="dynamic",
        lanes=2,
        columns=1,
        banks=1,
        bank_words=32,
        accumulator_bits=8,
        max_rows=24,
        max_panels=2,
        result_words=2,
        window=1,
    ),
    "spmm_broadcast_blocks": SpmmParams(
        mode="broadcast",
        lanes=4,
        columns=3,
        banks=4,
        bank_words=40,
        a_format=NumberFormat(16),
        b_format=NumberFormat(5, signed=False),
        limb_bits=6,
        accumulator_bits=18,
        block_rows=2,
        max_rows=24,
        max_panels=3,
        buffers=1,
        load_words=2,
        result_words=3,
    ),
    "spmm_broadcast_least": SpmmParams(
        mode="broadcast",
        lanes=1,
        columns=1,
        banks=1,
        bank_words=8,
        a_format=NumberFormat(2),
        limb_bits=2,
        accumulator_bits=8,
        max_rows=1,
        max_panels=1,
        result_words=2,
    ),
}


def corners(matrices) -> list[Matrices]:
    """One of each kind that the task of sparse products is known to trip over."""
    long_rows = (np.repeat([0, 2], 60), np.tile(np.arange(60), 2))
    return [
        matrices("empty_matrix", [], [], (4, 6), 5),
        matrices("zero_columns", [], [], (3, 0), 5),
        matrices("no_columns_of_b", [0, 1], [1, 0], (2, 2), 0),
        matrices("one_entry", [2], [1], (4, 3), 1),
        matrices("fewer_entries_than_lanes", [0, 0, 3], [1, 2, 0], (4, 3), 9),
        matrices("empty_rows", [1, 1, 7], [0, 4, 2], (9, 5), 4),
        matrices("one_dense_row", [3] * 50, range(50), (6, 50), 7),
        matrices("one_dense_column", range(30), [1] * 30, (30, 3), 6),
        matrices("duplicate_columns", [0, 0, 0, 1, 1, 1], [2, 2, 2, 0, 0, 2], (2, 3), 4),
        matrices("rows_longer_than_a_window", *long_rows, (3, 60), 3),
        matrices("rows_of_one_entry", range(60), [n * 7 % 31 for n in range(60)], (60, 31), 8),
        matrices(
            "most_negative_values",
            [0] * 20 + [1] * 20,
            [*range(20)] * 2,
            (2, 20),
            4,
            a=-128,
            b=-128,
        ),
    ]


def corner_cases(params: SpmmParams, matrices) -> list[Case]:
    """Corners one by one, then all of them back to back; pauses of 10,000 cycles."""
    works = [work(params, [corner]) for corner in corners(matrices)]
    works.append(replace(work(params, corners(matrices)), name="all_corners"))
    cases = [case_of(f"corner_{each.name}", each) for each in works]
    names = [port.name for port in ports(params)]
    for index, name in enumerate((names[0], "b", "o1")):
        stalls = {other: StallPattern(kind="random", seed=index) for other in names}
        rng = np.random.default_rng([SEED, index])
        packets = [draw_matrices(params, rng, kind) for kind in ("dense_row", "random")]
        cases.append(
            case_of(f"long_pause_{name}", work(params, packets), stalls | {name: LONG_PAUSE})
        )
    return cases


def full_job(params: SpmmParams, module: str, *, matrices) -> Job:
    """The standard cases; with the corners where the formats are those that these are made for."""
    standard = job(params, module, samples=6, seed=SEED)
    has_corners = params.block_rows == 1 and params.lanes > 2
    more = corner_cases(params, matrices) if has_corners else []
    return replace(standard, cases=(*standard.cases, *more))


@pytest.mark.simulator
def test_emitted_verilog(check_kernels, matrices) -> None:
    """The examples."""
    check_kernels(SpmmKernel, PARAMS, partial(full_job, matrices=matrices), optimize="-O0")


@pytest.mark.simulator
@pytest.mark.slow
def test_less_usual_parameters(check_kernels, matrices) -> None:
    """One lane, one bank, few places for results, narrow sums that wrap."""
    check_kernels(SpmmKernel, LESS_USUAL, partial(full_job, matrices=matrices), optimize="-O0")


@pytest.mark.simulator
@pytest.mark.slow
@pytest.mark.parametrize(("lanes", "banks", "window"), [(16, 32, 4), (7, 5, 8), (12, 12, 2)])
def test_more_lanes(lanes: int, banks: int, window: int, check_kernels, matrices) -> None:
    """Long chains of carries, few and many banks, results that fill their FIFOs."""
    params = SpmmParams(
        mode="dynamic",
        lanes=lanes,
        columns=1,
        banks=banks,
        bank_words=256,
        load_words=banks,
        window=window,
        result_words=3,
    )

    def make_job(params: SpmmParams, module: str) -> Job:
        standard = job(params, module, samples=30, seed=SEED + lanes)
        cases = [
            case_of(each.name, each) for each in (work(params, [c]) for c in corners(matrices))
        ]
        return replace(standard, cases=(*standard.cases, *cases))

    check_kernels(SpmmKernel, {"spmm_more": params}, make_job, linted=())


def test_copies_of_a_hot_row_are_read_by_different_lanes(matrices) -> None:
    """A dense column of A: with its row of B in every bank lanes no longer take turns."""
    params = SpmmParams(mode="dynamic", lanes=4, columns=1, banks=4, bank_words=64)
    column = matrices("one_dense_column", range(40), [0] * 40, (40, 1), 1)
    entries = cut(params.lane_params, column.rows, column.columns, column.values)
    copies = Placement(
        first=np.array([0, 4]), banks=np.arange(4), slots=np.zeros(4, np.int64), num_banks=4
    )
    once = dynamic_mapping.place_in_turn(1, 4)
    least = [
        dynamic_cost.times(params, [dynamic_mapping.packet(params, place, entries, 1)], [1])
        for place in (once, copies)
    ]
    assert (least[0].work_cycles, least[1].work_cycles) == (40 + 7, 10 + 7)
    work_with_copies = dynamic_work(params, [column], [copies])
    assert len(work_with_copies.inputs["b"]) == 4


def test_lanes_are_written_once() -> None:
    """8 lanes and 16 banks are not 4 times the text of 2 and 4."""
    small, large = (
        len(emit(SpmmKernel(replace(PARAMS["spmm_dynamic"], lanes=n, banks=2 * n)), "k"))
        for n in (2, 8)
    )
    assert large < 3 * small
