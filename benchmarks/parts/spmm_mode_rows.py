"""Rows of the spmm template, modes dynamic and broadcast, beside the static ones of `spmm_rows`.

The same matrices, counted the same way. Mode dynamic: windows of 1, 2, 4 and 8 entries per lane,
two banks per lane, row k of B in bank k mod banks; nothing is scheduled beforehand, so there is no
goal: published designs with look-ahead do not say what theirs reaches. `choice_lut` is what the
choice costs: all windows and the arbiter, by yosys for xcup. Mode broadcast: all lanes take the
same entry, each with columns of its own, so that one pass covers all N.
"""

import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tilewright.hw.spmm.dynamic_arbiter import ArbiterParams, BankArbiter
from tilewright.hw.spmm.dynamic_front import arbiter_rounds
from tilewright.hw.spmm.dynamic_lane import DynamicLane, dynamic_lane_params
from tilewright.hw.spmm.kernel import SpmmKernel
from tilewright.hw.spmm.params import SpmmParams
from tilewright.sim.regress import CaseResult, Job

from tilewright.build.kernel_run import simulate_kernels
from tilewright.build.verilog import emit
from tilewright.flow.case_parts import case_of
from tilewright.flow.spmm_cases import ports
from tilewright.flow.spmm_entry_work import EntryWork, broadcast_packets, dynamic_packets
from tilewright.flow.spmm_work import Matrices

from .area import area_of
from .spmm_rows import CASES, SEED, Case, Row, matrices_of, params_of_case


@dataclass(frozen=True, kw_only=True)
class ModeCase:
    """A case of `spmm_rows` in another mode; what it changes of the parameters."""

    name: str
    base: Case
    changes: dict[str, Any]

    @property
    def params(self) -> SpmmParams:
        """The kernel's."""
        return params_of_case(self.base, **self.changes)


def mode_cases() -> list[ModeCase]:
    """Windows of the dynamic mode, then the broadcast mode; on layers and the arrow."""
    base = {case.name: case for case in CASES}
    windows = {"spmm_transformer90_16": (1, 2, 4, 8), "spmm_rn50_80_16": (4,)}
    cases = [
        ModeCase(
            name=f"{name}_dynamic_w{window}",
            base=base[name],
            changes={"mode": "dynamic", "window": window},
        )
        for name, depths in windows.items()
        for window in depths
    ]
    for name in ("spmm_transformer90_16", "spmm_arrow_16"):
        lanes, n = base[name].lanes, base[name].n
        changes = {"mode": "broadcast", "banks": lanes, "load_words": lanes, "columns": n // lanes}
        cases.append(
            ModeCase(
                name=f"{name}_broadcast",
                base=base[name],
                changes=changes | {"bank_words": 512},
            )
        )
    return cases


def rows(wants: Callable[[str], bool] = lambda name: True) -> list[Row]:
    """A row per case, all simulated in one simulator; one whose file is not there says so."""
    cases = [case for case in mode_cases() if wants(case.name)]
    matrices = {case.name: matrices_of(case.base) for case in cases}
    works = {
        case.name: work_of(case.params, found)
        for case in cases
        if isinstance(found := matrices[case.name], Matrices)
    }
    results = _simulated([case for case in cases if case.name in works], works)
    found = []
    for case in cases:
        row: Row = {"case": case.name, "lanes": case.params.lanes, "columns": case.params.columns}
        row |= {"n": case.base.n, "banks": case.params.banks, "mode": case.params.mode}
        row |= {"seed": SEED, "peer": "-", "limit": 100.0}
        if case.name not in works:
            found.append(row | {"skipped": matrices[case.name]})
            continue
        found.append(row | _measured(case, works[case.name], results[case.name]))
    return found


def work_of(params: SpmmParams, matrices: Matrices) -> EntryWork:
    """Words, answers and cycles of a case."""
    packets = broadcast_packets if params.mode == "broadcast" else dynamic_packets
    return packets(params, [matrices])


def _simulated(cases: list[ModeCase], works: dict[str, EntryWork]) -> dict[str, CaseResult]:
    """The products in the emitted Verilog, a kernel for each set of parameters."""
    by_params: dict[SpmmParams, list[ModeCase]] = {}
    for case in cases:
        by_params.setdefault(case.params, []).append(case)
    kernels = []
    for number, (params, same) in enumerate(by_params.items()):
        timed = tuple(case_of(case.name, works[case.name].work) for case in same)
        job = Job(module=f"spmm_{number}", ports=ports(params), cases=timed, seed=SEED)
        kernels.append((emit(SpmmKernel(params), job.module), job))
    if not kernels:
        return {}
    with tempfile.TemporaryDirectory(prefix="tilewright-spmm-") as folder:
        results = simulate_kernels(kernels, Path(folder), optimize="-O0")
    for result in results:
        if not result.cases:
            raise RuntimeError(result.explain())
    return {case.name: case for result in results for case in result.cases}


def _measured(case: ModeCase, work: EntryWork, result: CaseResult) -> Row:
    ends = [port.last_cycle for name, port in result.ports.items() if name.startswith("o")]
    firsts = [port.first_cycle for name, port in result.ports.items() if name.startswith("a")]
    cycles = max(end for end in ends if end is not None)
    cycles -= min(first for first in firsts if first is not None) - 1
    params = case.params
    row: Row = {"nonzeros": work.num_stored, "cycles": cycles, "estimate": work.work_cycles}
    row |= {"is_right": result.is_passed, "message": result.message}
    useful = work.num_stored * case.base.n
    row |= {"occupancy": round(100 * useful / (params.lanes * params.columns * cycles), 2)}
    if params.mode == "dynamic":
        row |= {"window": params.window, "choice_lut": choice_lut(params)}
    return row


def choice_lut(params: SpmmParams) -> int:
    """LUTs of all windows and of the arbiter."""
    arbiter = BankArbiter(
        ArbiterParams(lanes=params.lanes, banks=params.banks, rounds=arbiter_rounds(params.window))
    )
    lane = DynamicLane(dynamic_lane_params(params))
    areas = [area_of(emit(part, "part"), "part").lut for part in (lane, arbiter)]
    return params.lanes * areas[0] + areas[1]
