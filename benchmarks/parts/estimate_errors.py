"""How far the vectorised estimate is from the exact one of compiled programs, on seeded machines.

`layers`: single layers of ResNet-50 and BERT; `chains`: up to three small matmuls after each other,
where fill and drain count as much as work. Simulated Verilog equals the exact estimate to the
cycle.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from tilewright.dataflow.compile import compile_graph
from tilewright.dataflow.systolic_machine import machine_of_section
from tilewright.dataflow.tiling import DoesNotFit
from tilewright.dse.block_estimate import block_evaluation
from tilewright.dse.block_machines import reader_of
from tilewright.dse.block_sources import CHAINS, LAYERS, Measured
from tilewright.dse.energy.tables import DEFAULT, TABLES
from tilewright.dse.estimate import estimate
from tilewright.dse.sweep_tasks import REFUSED
from tilewright.dse.workloads.layers import Matmul, Workload

from parts.form import Row
from tilewright.catalog import load_spec
from tilewright.workloads import matmul_graph

SPEC = Path(__file__).resolve().parents[2] / "examples" / "digits_mlp.yaml"
ENGINE, PAD, MEMORY = "accelerator.engines.array.", "accelerator.scratchpad.", "accelerator.memory."
FAMILY = "ecp5"
SEED = 5
DATAFLOWS = ("output_stationary", "weight_stationary")
LAYER_SHAPES = (
    (3136, 64, 64), (784, 576, 128), (196, 1024, 256), (49, 4608, 512), (128, 768, 768),
)  # fmt: skip
"""M, K, N: of ResNet-50's four stages, and of BERT."""
CHAIN_NUMBER, MACHINES = 15, 8


@dataclass(frozen=True, kw_only=True)
class Kind:
    """Matmuls in chains (M, K, widths), and the sides and capacities of machines to try."""

    name: str
    told: Measured
    chains: Sequence[tuple[int, int, list[int]]]
    sides: tuple[int, ...]
    capacities_log2: range


def error_rows() -> list[Row]:
    """Mean and worst error of each kind in percent; the goal is what the product says of itself."""
    rows: list[Row] = []
    for kind in _kinds():
        rng = np.random.default_rng(SEED)
        errors: dict[str, list[float]] = {dataflow: [] for dataflow in DATAFLOWS}
        for chain in kind.chains:
            for dataflow, cycles, exact in _compared(chain, _columns(kind, rng)):
                errors[dataflow].append(100 * abs(cycles / exact - 1))
        every = [error for found in errors.values() for error in found]
        case = f"estimate_error_percent_{kind.name}"
        rows += [
            {"case": f"{case}_{name}", "value": round(float(np.mean(found)), 2),
             "worst": round(max(found), 1), "designs": len(found)}
            for name, found in errors.items()
        ]  # fmt: skip
        designs = {"designs": len(every), "told_of_designs": kind.told.runs}
        rows += [
            {"case": case, "value": round(float(np.mean(every)), 2),
             "goal": kind.told.mean_percent, **designs},
            {"case": f"{case}_worst", "value": round(max(every), 1),
             "goal": kind.told.worst_percent, **designs},
        ]  # fmt: skip
    return rows


def _kinds() -> Iterator[Kind]:
    yield Kind(
        name="layers",
        told=LAYERS,
        chains=[(m, k, [n]) for m, k, n in LAYER_SHAPES],
        sides=(8, 16),
        capacities_log2=range(17, 21),
    )
    rng = np.random.default_rng(SEED)
    drawn = [np.exp(rng.uniform(1, np.log(500), rng.integers(3, 6))) for _ in range(CHAIN_NUMBER)]
    chains = [(int(m), int(k), [int(n) for n in widths]) for m, k, *widths in drawn]
    yield Kind(
        name="chains", told=CHAINS, chains=chains, sides=(4, 8, 16), capacities_log2=range(13, 18)
    )


def _compared(
    chain: tuple[int, int, list[int]], columns: Mapping[str, Any]
) -> Iterator[tuple[str, float, int]]:
    """Dataflow, estimated and exact cycles of a chain on some machines."""
    m, k, widths = chain
    graph = matmul_graph(m, k, widths, seed=1)
    layers = tuple(
        Matmul(name=op.name, M=m, K=depth, N=width)
        for op, depth, width in zip(graph.ops, (k, *widths[:-1]), widths, strict=True)
    )
    workload, spec = Workload(name="chain", layers=layers), load_spec(SPEC)
    found = block_evaluation(workload, spec, [TABLES[DEFAULT]], family=FAMILY).many(columns)
    machines = reader_of(spec).machines(columns, MACHINES)
    for design in np.flatnonzero(np.equal(found[REFUSED], None)):
        machine = machine_of_section(machines.section(int(design)))
        try:
            _, program = compile_graph(graph, machine)
        except DoesNotFit:
            raise AssertionError(f"the estimate fits {chain} into {machine}") from None
        dataflow = machine.engines[0].text("dataflow")
        yield dataflow, float(found["cycles"][design]), estimate(program, machine).cycles


def _columns(kind: Kind, rng: np.random.Generator) -> dict[str, Any]:
    return {
        f"{ENGINE}rows": rng.choice(kind.sides, MACHINES),
        f"{ENGINE}cols": rng.choice(kind.sides, MACHINES),
        f"{ENGINE}dataflow": rng.choice(np.array(DATAFLOWS), MACHINES),
        f"{PAD}capacity": 1 << rng.choice(kind.capacities_log2, MACHINES),
        f"{PAD}banks": rng.choice([4, 8, 16], MACHINES),
        f"{MEMORY}bytes_per_cycle": rng.choice([4, 8, 16, 32], MACHINES),
        f"{MEMORY}latency_cycles": rng.choice([10, 40, 100], MACHINES),
        f"{MEMORY}outstanding": rng.choice([2, 4, 8, 16], MACHINES),
    }
