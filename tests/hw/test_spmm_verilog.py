"""The emitted Verilog of spmm kernels of mode static under Verilator: words, cycles, stream rules.

Every kind of matrix (empty, empty rows, dense row, duplicates, most negative values) and packets
back to back, without stalls and under every standard one.
"""

import re
from dataclasses import replace

import numpy as np
import pytest
from tilewright.hw.spmm.kernel import SpmmKernel
from tilewright.hw.spmm.params import SpmmParams
from tilewright.sim.regress import Job
from tilewright.sim.vectors import StallPattern

from tilewright.build.kernel_run import simulate_kernel, simulate_kernels
from tilewright.build.lint import lint
from tilewright.build.verilog import emit
from tilewright.flow.case_parts import case_of
from tilewright.flow.spmm_cases import job, ports, static_work
from tilewright.flow.spmm_work import KINDS, Matrices, draw_matrices
from tilewright.spec.numbers import NumberFormat

SEED = 43

PARAMS = {
    "spmm_plain": SpmmParams(lanes=4, columns=2, banks=8, bank_words=16),
    "spmm_limbs_blocks": SpmmParams(
        lanes=3,
        columns=3,
        banks=5,
        bank_words=32,
        a_format=NumberFormat(16),
        b_format=NumberFormat(6, signed=False),
        limb_bits=4,
        accumulator_bits=20,
        block_rows=2,
        max_rows=24,
        max_panels=4,
        buffers=1,
        load_words=5,
        result_words=2,
    ),
    "spmm_least": SpmmParams(
        lanes=1,
        columns=1,
        banks=1,
        bank_words=8,
        a_format=NumberFormat(2),
        limb_bits=2,
        accumulator_bits=8,
        max_rows=1,
        max_panels=1,
    ),
}


def dense_row(num: int, seed: int, rows: int = 1) -> Matrices:
    """`rows` rows of `num` stored values."""
    rng = np.random.default_rng([SEED, seed])
    return Matrices(
        name=f"{rows}_dense_rows",
        num_rows=rows,
        rows=np.repeat(np.arange(rows), num),
        columns=np.tile(np.arange(num), rows),
        values=rng.integers(-128, 128, (num * rows, 1)),
        b=rng.integers(-128, 128, (num, 5)),
    )


def long_rows() -> Matrices:
    """Rows longer than the scheduler's window, with an empty row between; int8, N = 3."""
    rng = np.random.default_rng([SEED, 9])
    return Matrices(
        name="long_rows",
        num_rows=3,
        rows=np.repeat([0, 2], 60),
        columns=np.tile(np.arange(60), 2),
        values=rng.integers(-128, 128, (120, 1)),
        b=rng.integers(-128, 128, (60, 3)),
    )


def many_short_rows(seed: int) -> Matrices:
    """101 rows of 3 entries: on 4 lanes two rows cross a border, and a lane's first piece closes
    some 25 rows before the left lane's last one. The rows between do not fit the FIFO: a piece
    that waited in front of them would hold the lane up for ever.
    """
    rng = np.random.default_rng([SEED, seed])
    return Matrices(
        name="short_rows",
        num_rows=101,
        rows=np.repeat(np.arange(101), 3),
        columns=np.tile(np.arange(9), 34)[:303],
        values=rng.integers(-128, 128, (303, 1)),
        b=rng.integers(-128, 128, (9, 4)),
    )


def plain_job(params: SpmmParams, module: str) -> Job:
    """The standard cases, and one row over all lanes, pass after pass; very long pauses."""
    standard = job(params, module, samples=6, seed=SEED)
    chain = [dense_row(num, num) for num in (4, 8, 3, 4, 4, 5)]
    no_columns = replace(dense_row(3, 1), b=np.zeros((3, 0), np.int64))
    works = [
        static_work(params, chain),
        static_work(params, [dense_row(2, 7, rows=9), *chain]),
        static_work(params, [no_columns, dense_row(1, 2), no_columns]),
    ]
    works.append(static_work(params, [long_rows()]))
    works.append(static_work(params, [many_short_rows(1), many_short_rows(2)]))
    cases = [case_of(f"chain_{index}", work) for index, work in enumerate(works)]
    names = [port.name for port in ports(params)]
    for index, name in enumerate(("a", "b", "o1")):
        pause = StallPattern(kind="pause")
        quick = {other: StallPattern(kind="random", seed=3) for other in names if other != name}
        work = static_work(
            params, [draw_matrices(params, np.random.default_rng(index), "dense_row")]
        )
        cases.append(case_of(f"long_pause_{name}", work, {**quick, name: pause}))
    return replace(standard, cases=(*standard.cases, *cases))


@pytest.mark.simulator
def test_emitted_verilog(tmp_path) -> None:
    """Three kernels in one simulator; results bit by bit, cycles as the law says. Lanes, banks and
    the choice of a bank are written once each, however many there are.
    """
    kernels = []
    for name, params in PARAMS.items():
        verilog = emit(SpmmKernel(params), name)
        assert not lint(verilog, name).problems
        for part in ("lane", "bank", "bank_mux"):
            assert len(re.findall(rf"^module {name}_{part}\(", verilog, re.M)) == 1, part
        make = plain_job if name == "spmm_plain" else lambda p, n: job(p, n, samples=6, seed=SEED)
        kernels.append((verilog, make(params, name)))
    for result in simulate_kernels(kernels, tmp_path):
        assert result.is_passed, result.explain()


@pytest.mark.simulator
@pytest.mark.slow
@pytest.mark.parametrize("lanes", [2, 7, 16])
@pytest.mark.parametrize("result_words", [2, 16])
def test_more_lanes(lanes: int, result_words: int, tmp_path) -> None:
    """Chains over many lanes, results that fill their FIFOs, as many banks as lanes."""
    params = SpmmParams(
        lanes=lanes,
        columns=1,
        banks=lanes,
        bank_words=64,
        result_words=result_words,
        load_words=lanes,
    )
    standard = job(params, "spmm_more", samples=40, seed=SEED + lanes)
    works = [static_work(params, [dense_row(num, num)] * 3) for num in (lanes, 2 * lanes, 1)]
    cases = [case_of(f"chain_{index}", work) for index, work in enumerate(works)]
    full = replace(standard, cases=(*standard.cases, *cases))
    result = simulate_kernel(emit(SpmmKernel(params), "spmm_more"), full, tmp_path)
    assert result.is_passed, result.explain()


def test_every_corner_is_a_kind_of_matrix() -> None:
    assert {"empty", "empty_rows", "dense_row", "duplicates", "extremes"} <= set(KINDS)
