"""Rows of the sddmm template: occupancy on masks of pruned layers, simulated and estimated.

Rows of K lie in the banks and rows of Q in the lanes' memories at the start: cycles count from the
first word of `a` (the schedule) to the last score out, fill and drain included, in the emitted
Verilog under Verilator; every score is compared. Values of Q and K are int8, uniform from SEED.
Occupancy = nonzeros x D / (lanes x products x cycles).

The masks are of the Deep Learning Matrix Collection (DLMC, Gale et al. 2020; `transformer` and
`rn50`, magnitude pruning). They are looked for in `../shared/data/sparse` beside the project, or in
`sparse` below $TILEWRIGHT_DATA; the hashes below say which contents the goals are for.
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
from tilewright.hw.sddmm.cost import least_cycles
from tilewright.hw.sddmm.kernel import SddmmKernel
from tilewright.hw.sddmm.params import SddmmParams
from tilewright.hw.sddmm.schedule import schedule_mask
from tilewright.sim.regress import CaseResult, Job

from tilewright.build.kernel_run import simulate_kernel
from tilewright.build.verilog import emit
from tilewright.flow.sddmm_cases import Packet, loaded_cases, ports, random_values

SEED = 31
MODULE = "sddmm"
DEPTH = 64
GOAL = 97.0
PEER = "none published"
PARAMS = SddmmParams(
    lanes=16,
    products=8,
    depth=DEPTH,
    banks=32,
    bank_words=128,
    load_words=32,  # K comes quickly: less to simulate
    buffers=1,
    query_rows=128,  # all rows of Q of a lane
    max_rows=512,
)

Row = dict[str, Any]


@dataclass(frozen=True, kw_only=True)
class Mask:
    """A case and the file of its mask."""

    case: str
    file: str
    sha256: str


MASKS = (
    Mask(
        case="sddmm_transformer90_16",
        file="transformer_magnitude_pruning_0.9_body_decoder_layer_0_self_attention_multihead_"
        "attention_q_fully_connected.smtx",
        sha256="7f26758ba8a8d13b262be1c9acf167df973877e110a4d7d18d9e9868e74a33d8",
    ),
    Mask(
        case="sddmm_rn50_80_16",
        file="rn50_magnitude_pruning_0.8_bottleneck_1_block_group1_1_1.smtx",
        sha256="87d6966a7e288933be5aedaf2ff3729afc0a12577b586e12c5e055da2dbb3ffd",
    ),
)


def data_folder() -> Path:
    """Where the public files are."""
    beside = Path(__file__).resolve().parents[3] / "shared" / "data"
    return Path(os.environ.get("TILEWRIGHT_DATA", beside)) / "sparse"


def rows(wants: Callable[[str], bool] = lambda _: True) -> list[Row]:
    """A row per wanted mask; one whose file is not there says so. One simulator runs them all."""
    masks = [mask for mask in MASKS if wants(mask.case)]
    found = {mask.case: _packet(mask) for mask in masks}
    packets = {case: packet for case, packet in found.items() if isinstance(packet, Packet)}
    measured = _simulated(packets) if packets else {}
    return [_row(mask, found[mask.case], measured) for mask in masks]


def _packet(mask: Mask) -> Packet | str:
    """The mask with random operands, or why it is not there."""
    path = data_folder() / mask.file
    if not path.is_file():
        return f"{path} is not there"
    if hashlib.sha256(path.read_bytes()).hexdigest() != mask.sha256:
        return f"{path} has other contents"
    matrix = read_matrix(path)
    random = np.random.default_rng(SEED)
    return Packet(
        pointers=matrix.pointers,
        columns=matrix.indices,
        queries=random_values(PARAMS.query_format, (matrix.rows, DEPTH), random),
        keys=random_values(PARAMS.key_format, (matrix.columns, DEPTH), random),
    )


def _simulated(packets: dict[str, Packet]) -> dict[str, tuple[CaseResult, int | None]]:
    """By case: what the Verilog did, and the cycles of the law."""
    cases = [
        case for name, packet in packets.items() for case in loaded_cases(PARAMS, name, packet)
    ]
    job = Job(module=MODULE, ports=ports(PARAMS), cases=tuple(cases), seed=SEED)
    with tempfile.TemporaryDirectory(prefix="tilewright-sddmm-") as folder:
        result = simulate_kernel(emit(SddmmKernel(PARAMS), MODULE), job, Path(folder))
    if len(result.cases) != len(cases):
        raise RuntimeError(result.explain())
    return {
        case.name: (one, case.expected_cycles)
        for case, one in zip(cases, result.cases, strict=True)
    }


def _row(
    mask: Mask, packet: Packet | str, measured: dict[str, tuple[CaseResult, int | None]]
) -> Row:
    row: Row = {"case": mask.case, "lanes": PARAMS.lanes, "products": PARAMS.products}
    row |= {"depth": DEPTH, "banks": PARAMS.banks, "window": PARAMS.window, "seed": SEED}
    row |= {"goal": GOAL, "peer": PEER, "limit": 100.0}
    if isinstance(packet, str):
        return row | {"skipped": packet}
    begin = time.perf_counter()
    schedule = schedule_mask(PARAMS, packet.pointers, packet.columns, num_columns=len(packet.keys))
    seconds = time.perf_counter() - begin
    (loaded, _), (result, estimate) = measured[f"{mask.case}_load"], measured[mask.case]
    scores = len(packet.columns)
    row |= {"nonzeros": scores, "cycles": result.cycles, "estimate": estimate}
    row |= {"slots": schedule.num_slots}
    row |= {"least_cycles": least_cycles(PARAMS, scores, schedule.chunks)}
    row |= {"is_right": loaded.is_passed and result.is_passed, "message": result.message}
    work = scores * DEPTH / (PARAMS.lanes * PARAMS.products)
    row |= {"occupancy": round(100 * work / result.cycles, 2) if result.cycles else 0.0}
    return row | {"schedule_seconds": round(seconds, 2)}
