"""The emitted Verilog of spmm kernels of mode static under Verilator: words, cycles, stream rules.

Every kind of matrix (empty, empty rows, dense row, duplicates, most negative values) and packets
back to back, without stalls and under every standard one.
"""

import re
from dataclasses import replace
from functools import partial

import numpy as np
import pytest
from tilewright.hw.spmm.kernel import SpmmKernel
from tilewright.hw.spmm.params import SpmmParams
from tilewright.sim.regress import Job
from tilewright.sim.vectors import LONG_PAUSE, StallPattern

from tilewright.flow.case_parts import Work, case_of
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


def plain_works(params: SpmmParams, matrices) -> list[Work]:
    """One row over all lanes, pass after pass; rows longer than the scheduler's window with an
    empty row between; many short rows. Of 101 rows of 3 entries two cross a border between 4
    lanes, and a lane's first piece closes some 25 rows before the left lane's last one. The rows
    between do not fit the FIFO: a piece that waited in front of them would hold the lane up for
    ever.
    """

    def dense(num: int, rows: int = 1, n: int = 5) -> Matrices:
        places = np.repeat(np.arange(rows), num), np.tile(np.arange(num), rows)
        return matrices(f"{rows}_dense_rows", *places, (rows, num), n)

    long = matrices("long", np.repeat([0, 2], 60), np.tile(np.arange(60), 2), (3, 60), 3)
    places = np.repeat(np.arange(101), 3), np.arange(303) % 9
    short = [matrices("short", *places, (101, 9), n) for n in (4, 3)]
    chain = [dense(num) for num in (4, 8, 3, 4, 4, 5)]
    packets = [chain, [dense(2, rows=9), *chain], [dense(3, n=0), dense(1), dense(3, n=0)]]
    return [static_work(params, each) for each in (*packets, [long], short)]


def plain_job(params: SpmmParams, module: str, *, matrices) -> Job:
    """The standard cases; for one kernel those that are hard, and very long pauses."""
    standard = job(params, module, samples=6, seed=SEED)
    if module != "spmm_plain":
        return standard
    works = plain_works(params, matrices)
    cases = [case_of(f"chain_{index}", work) for index, work in enumerate(works)]
    names = [port.name for port in ports(params)]
    for index, name in enumerate(("a", "b", "o1")):
        quick = {other: StallPattern(kind="random", seed=3) for other in names}
        rng = np.random.default_rng(index)
        work = static_work(params, [draw_matrices(params, rng, "dense_row")])
        cases.append(case_of(f"long_pause_{name}", work, quick | {name: LONG_PAUSE}))
    return replace(standard, cases=(*standard.cases, *cases))


@pytest.mark.simulator
def test_emitted_verilog(check_kernels, matrices) -> None:
    """Results bit by bit, cycles as the law says. Lanes, banks and the choice of a bank are written
    once each, however many there are.
    """
    texts = check_kernels(SpmmKernel, PARAMS, partial(plain_job, matrices=matrices))
    for name, verilog in texts.items():
        for part in ("lane", "bank", "bank_mux"):
            assert len(re.findall(rf"^module {name}_{part}\(", verilog, re.M)) == 1, part


@pytest.mark.simulator
@pytest.mark.slow
@pytest.mark.parametrize("lanes", [2, 7, 16])
@pytest.mark.parametrize("result_words", [2, 16])
def test_more_lanes(lanes: int, result_words: int, check_kernels, matrices) -> None:
    """Chains over many lanes, results that fill their FIFOs, as many banks as lanes."""
    params = SpmmParams(
        lanes=lanes,
        columns=1,
        banks=lanes,
        bank_words=64,
        result_words=result_words,
        load_words=lanes,
    )

    def make_job(params: SpmmParams, module: str) -> Job:
        standard = job(params, module, samples=40, seed=SEED + lanes)
        cases = []
        for num in (lanes, 2 * lanes, 1):
            row = matrices("row", [0] * num, range(num), (1, num), 5)
            cases.append(case_of(f"chain_{num}", static_work(params, [row] * 3)))
        return replace(standard, cases=(*standard.cases, *cases))

    check_kernels(SpmmKernel, {"spmm_more": params}, make_job, linted=())


def test_every_corner_is_a_kind_of_matrix() -> None:
    assert {"empty", "empty_rows", "dense_row", "duplicates", "extremes"} <= set(KINDS)
