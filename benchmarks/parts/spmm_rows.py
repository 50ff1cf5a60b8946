"""Rows of the spmm template, mode static: occupancy on public matrices, simulated and estimated.

Each lane has two banks. `one_bank_pass_cycles` is the schedule's length with one, for comparison.

B lies in the banks at the start, as in the published schedulers' figures: cycles count from the
first word of `a` (the schedule) to the last result out, fill and drain included, in the emitted
Verilog under Verilator; every word out is compared. Values are int8, uniform from SEED (the files
have patterns; `arrow.mtx` gets random values too). Occupancy = nonzeros x N / (lanes x V x cycles).

The files: `nasa4704.mtx` is of the SuiteSparse Matrix Collection (Nasa/nasa4704), the `.smtx`
files of the Deep Learning Matrix Collection (DLMC, Gale et al. 2020: `transformer` and `rn50`,
magnitude pruning), `arrow.mtx` has a dense row, a dense column and the diagonal. They are looked
for in `../shared/data/sparse` beside the project, or in `sparse` below $TILEWRIGHT_DATA; the hashes
below say which contents the goals are for.
"""

import hashlib
import os
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from tilewright.dataflow.sparse.read import read_matrix
from tilewright.hw.lib.banked_store import BankMux
from tilewright.hw.spmm.cost import StaticTiming, static_timing
from tilewright.hw.spmm.kernel import SpmmKernel
from tilewright.hw.spmm.lane import Lane
from tilewright.hw.spmm.mapping import num_load_words, num_panels
from tilewright.hw.spmm.params import SpmmParams
from tilewright.hw.spmm.schedule import Schedule
from tilewright.sim.regress import CaseResult, Job

from tilewright.build.kernel_run import simulate_kernel
from tilewright.build.verilog import emit
from tilewright.flow.case_parts import case_of
from tilewright.flow.spmm_cases import ports, schedule_of, static_work
from tilewright.flow.spmm_work import Matrices

from .area import area_of

SEED = 29
MODULE = "spmm"
NASA = ("nasa4704.mtx", "20ad7ce634e138660a367adf7a61541ae9d475359a97d94cac4410374812e784")
ARROW = ("arrow.mtx", "d1e00fde9a2cf49b9fa09675a2235d6101f8ebbe65b45cae19ca381d95d74e34")
RESNET = (
    "rn50_magnitude_pruning_0.8_bottleneck_1_block_group1_1_1.smtx",
    "87d6966a7e288933be5aedaf2ff3729afc0a12577b586e12c5e055da2dbb3ffd",
)
TRANSFORMER = (
    "transformer_magnitude_pruning_0.9_body_decoder_layer_0_self_attention_multihead_attention_q"
    "_fully_connected.smtx",
    "7f26758ba8a8d13b262be1c9acf167df973877e110a4d7d18d9e9868e74a33d8",
)

Row = dict[str, Any]


@dataclass(frozen=True, kw_only=True)
class Case:
    """A file, the N of the product, the lanes, V columns each; goal, limit and the peer's figure in
    per cent.
    """

    name: str
    file: tuple[str, str]
    n: int
    lanes: int
    columns: int
    bank_words: int
    goal: float
    peer: str
    limit: float = 100.0


CASES = (
    Case(
        name="spmm_nasa4704_64",
        file=NASA,
        n=8,
        lanes=64,
        columns=4,
        bank_words=128,
        goal=97.0,
        peer="76.5 (Sextans' scheduler)",
    ),
    Case(
        name="spmm_transformer90_16",
        file=TRANSFORMER,
        n=64,
        lanes=16,
        columns=8,
        bank_words=256,
        goal=98.0,
        peer="93.8",
    ),
    Case(
        name="spmm_transformer90_64",
        file=TRANSFORMER,
        n=64,
        lanes=64,
        columns=4,
        bank_words=128,
        goal=95.0,
        peer="41.8",
    ),
    Case(
        name="spmm_rn50_80_16",
        file=RESNET,
        n=64,
        lanes=16,
        columns=8,
        bank_words=256,
        goal=97.5,
        peer="21.7",
    ),
    Case(
        name="spmm_arrow_16",
        file=ARROW,
        n=64,
        lanes=16,
        columns=2,
        bank_words=256,
        goal=95.0,
        peer="18.6 (row-wise schemes)",
        limit=98.0,
    ),
)

AREA = ("spmm_lane_lut", "spmm_bank_mux_lut")
"""Parts whose LUTs are counted: a lane, and a lane's choice among 32 banks."""


def data_folder() -> Path:
    """Where the public files are."""
    beside = Path(__file__).resolve().parents[3] / "shared" / "data"
    return Path(os.environ.get("TILEWRIGHT_DATA", beside)) / "sparse"


def rows(wants: Callable[[str], bool] = lambda case: True) -> list[Row]:
    """A row per case that is wanted; one whose file is not there says so."""
    found = [_row(case) for case in CASES if wants(case.name)]
    return found + [area_row(name) for name in AREA if wants(name)]


def area_row(name: str) -> Row:
    """What a part of 16 lanes of 4 columns takes (UltraScale+, by yosys); no goal is set."""
    params = SpmmParams(lanes=16, columns=4, banks=32, bank_words=128, max_rows=8192, max_panels=64)
    lane, mux = params.lane_params, params.store_params.mux_params
    part = Lane(lane) if name == "spmm_lane_lut" else BankMux(mux)
    area = area_of(emit(part, "part"), "part")
    return {"case": name, "lut": area.lut, "ff": area.ff, "dsp": area.dsp, "columns": 4}


def params_of_case(case: Case, **changes: Any) -> SpmmParams:
    """Two banks for each lane; B is loaded by as many words at once, to simulate less."""
    values = {
        "lanes": case.lanes,
        "columns": case.columns,
        "banks": 2 * case.lanes,
        "bank_words": case.bank_words,
        "load_words": 2 * case.lanes,
        "buffers": 1,
        "max_rows": 8192,
        "max_panels": 64,
    }
    return SpmmParams(**(values | changes))


def matrices_of(case: Case) -> Matrices | str:
    """The case's matrices, or why they are not there."""
    name, sha256 = case.file
    path = data_folder() / name
    if not path.is_file():
        return f"{path} is not there"
    if hashlib.sha256(path.read_bytes()).hexdigest() != sha256:
        return f"{path} has other contents"
    pattern = read_matrix(path, has_values=False)
    rng = np.random.default_rng(SEED)
    return Matrices(
        name=case.name,
        num_rows=pattern.rows,
        rows=pattern.rows_of_entries,
        columns=pattern.indices,
        values=rng.integers(-128, 128, (pattern.num_entries, 1)),
        b=rng.integers(-128, 128, (pattern.columns, case.n)),
    )


def _row(case: Case) -> Row:
    params = params_of_case(case)
    row: Row = {"case": case.name, "lanes": case.lanes, "columns": case.columns, "n": case.n}
    row |= {"banks": params.banks, "seed": SEED}
    row |= {"goal": case.goal, "peer": case.peer, "limit": case.limit}
    matrices = matrices_of(case)
    if isinstance(matrices, str):
        return row | {"skipped": matrices}
    begin = time.perf_counter()
    schedule = schedule_of(params, matrices)
    seconds = time.perf_counter() - begin
    panels = num_panels(params, case.n)
    estimate = timing_of(params, schedule, panels).busy_cycles
    result = simulated(params, matrices, schedule)
    cycles = busy_cycles(result)
    work = len(matrices.rows) * case.n
    row |= {"nonzeros": len(matrices.rows), "cycles": cycles, "estimate": estimate}
    row |= {"pass_cycles": schedule.num_cycles, "least_pass_cycles": schedule.least_cycles}
    row |= {"one_bank_pass_cycles": one_bank_cycles(case, matrices)}
    row |= {"panels": panels, "is_right": result.is_passed, "message": result.message}
    row |= {"occupancy": round(100 * work / (case.lanes * case.columns * cycles), 2)}
    return row | {"schedule_seconds": round(seconds, 2)}


def one_bank_cycles(case: Case, matrices: Matrices) -> int:
    """Cycles of a pass with as many banks as lanes: only scheduled, not simulated."""
    slots = 2 * case.bank_words
    params = params_of_case(case, banks=case.lanes, load_words=1, bank_words=slots)
    return schedule_of(params, matrices).num_cycles


def timing_of(params: SpmmParams, schedule: Schedule, panels: int) -> StaticTiming:
    """What the law says of one packet."""
    load = num_load_words(params, schedule.placement, panels)
    return static_timing(params, [schedule.closings(panels)], [load])


def simulated(params: SpmmParams, matrices: Matrices, schedule: Schedule) -> CaseResult:
    """The product in the emitted Verilog."""
    case = case_of(matrices.name, static_work(params, [matrices], [schedule]))
    job = Job(module=MODULE, ports=ports(params), cases=(case,), seed=SEED)
    with tempfile.TemporaryDirectory(prefix="tilewright-spmm-") as folder:
        result = simulate_kernel(emit(SpmmKernel(params), MODULE), job, Path(folder))
        if not result.cases:
            raise RuntimeError(result.explain())
        return result.cases[0]


def busy_cycles(result: CaseResult) -> int:
    """From the first word of `a` to the last result, both counted."""
    ends = [port.last_cycle for name, port in result.ports.items() if name.startswith("o")]
    first = result.ports["a"].first_cycle
    return max(end for end in ends if end is not None) - (first or 0) + 1
