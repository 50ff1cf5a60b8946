"""Made-up sweeps of any size, with the shape of real ones: for tests of what is made of them."""

from __future__ import annotations

import itertools
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
from tilewright.dataflow.compile import compile_graph
from tilewright.dse.block_machines import reader_of
from tilewright.dse.pareto import front_mask, hypervolume
from tilewright.dse.point_detail import PointDetail
from tilewright.dse.point_of import detail_of
from tilewright.dse.point_of_layers import layers_detail
from tilewright.dse.sweep_file import (
    Compared,
    Confirmation,
    ConstraintSummary,
    Coverage,
    MetricSource,
    ObjectiveSummary,
    SpaceSummary,
    SweepFile,
    SweptParameter,
)
from tilewright.dse.workloads.read import library_workload

from tilewright.catalog import load_spec
from tilewright.machines import systolic_machine
from tilewright.workloads import matmul_graph

ENGINE = "accelerator.engines.array"
MAX_LUT = 40_000


def made_sweep(most: int = 1000, *, seed: int = 1, has_front_only_measured: int = 3) -> SweepFile:
    """A sweep of at most `most` designs; numbers follow the roofline of an array."""
    sides = [2 ** (1 + i) for i in range(5)] if most < 20_000 else list(range(2, 34))
    flows = ["output_stationary", "weight_stationary"]
    values: dict[str, list[Any]] = {
        f"{ENGINE}.rows": sides,
        f"{ENGINE}.cols": sides,
        f"{ENGINE}.dataflow": flows,
        "accelerator.memory.bytes_per_cycle": [4, 8, 16, 32],
        "accelerator.scratchpad.capacity": [2**k << 10 for k in range(4, 9)],
        "accelerator.memory.latency_cycles": [10, 40, 80, 160, 320],
    }
    rows = list(itertools.product(*values.values()))
    keep = np.unique(np.linspace(0, len(rows) - 1, min(most, len(rows))).astype(int))
    rows = [rows[i] for i in keep]
    columns: dict[str, list[Any]] = dict(
        zip(values, map(list, zip(*rows, strict=True)), strict=True)
    )
    pes = np.array(columns[f"{ENGINE}.rows"]) * np.array(columns[f"{ENGINE}.cols"])
    metrics = _metrics(columns, pes, np.random.default_rng(seed))
    is_feasible = metrics["lut"] <= MAX_LUT
    costs = np.stack([metrics[n] for n in ("latency_us", "lut", "energy_uj")], axis=1)
    is_front = np.zeros(len(rows), bool)
    places = np.flatnonzero(is_feasible)
    is_front[places] = front_mask(costs[places])
    front = tuple(np.flatnonzero(is_front).tolist())
    reference = costs[places].max(axis=0)
    parameters = [SweptParameter(path=p, values=tuple(v), unit=_unit(p)) for p, v in values.items()]
    derived = SweptParameter(path="pes", values=tuple(sorted(set(pes.tolist()))), is_derived=True)
    return SweepFile(
        name="digits_mlp",
        context={"tilewright": "0.1.0", "python": "3.11.2", "spec": "9f2c" * 16},
        was_interrupted=False,
        space=SpaceSummary(size=len(rows), parameters=(*parameters, derived)),
        objectives=tuple(
            ObjectiveSummary(metric=name, direction="min", unit=unit)
            for name, unit in (("latency_us", "us"), ("lut", "LUT"), ("energy_uj", "uJ"))
        ),
        constraints=(
            ConstraintSummary(
                name="lut",
                metric="lut",
                minimum=None,
                maximum=MAX_LUT,
                unit="LUT",
                num_ruled_out=int((~is_feasible).sum()),
                num_ruled_out_alone=int((~is_feasible).sum()),
            ),
        ),
        coverage=Coverage(
            kind="exact",
            num_evaluated=len(rows),
            num_feasible=int(is_feasible.sum()),
            hypervolume=hypervolume(costs[list(front)], reference),
            text=f"all {len(rows):,} designs of the space were evaluated: the front is exact",
        ),
        metrics=_sources(),
        columns={
            "index": tuple(range(len(rows))),
            **{name: tuple(column) for name, column in columns.items()},
            "pes": tuple(pes.tolist()),
            **{name: tuple(column.tolist()) for name, column in metrics.items()},
        },
        front=front,
        confirmations=tuple(
            Confirmation(
                index=index,
                why="best",
                metrics={
                    "cycles": Compared(
                        estimated=int(metrics["cycles"][index]),
                        measured=int(metrics["cycles"][index]),
                    )
                },
                is_equal=True,
                has_conflicts=False,
            )
            for index in front[:has_front_only_measured]
        ),
    )


def _unit(path: str) -> str:
    return "B" if path.endswith("capacity") else ""


def _metrics(
    columns: dict[str, list[Any]], pes: np.ndarray, rng: np.random.Generator
) -> dict[str, np.ndarray]:
    port = np.array(columns["accelerator.memory.bytes_per_cycle"])
    latency = np.array(columns["accelerator.memory.latency_cycles"])
    capacity = np.array(columns["accelerator.scratchpad.capacity"])
    rows = np.array(columns[f"{ENGINE}.rows"])
    is_ws = np.array([flow == "weight_stationary" for flow in columns[f"{ENGINE}.dataflow"]])
    macs = 646_400
    moved = (28_000 * (1 + 200_000 / capacity) * (1 + 0.2 * is_ws)).astype(int)
    work = macs / pes * (1 + rows / 90) * rng.uniform(1.0, 1.12, len(pes))
    cycles = (np.maximum(work, moved / port) + 4 * latency + 90).astype(int)
    lut = (1800 + 64 * pes * (1 + 0.15 * is_ws) + 90 * port + capacity / 64).astype(int)
    clock = 165 - 6 * np.log2(pes)
    return {
        "cycles": cycles,
        "latency_us": cycles / clock,
        "bytes_off_chip": moved,
        "energy_uj": 0.35 * macs / 1e6 + moved * 8 * 15e-6 + cycles * pes * 2e-8,
        "lut": lut,
        "clock_mhz": clock,
        "utilisation": macs / (cycles * pes),
    }


def _sources() -> dict[str, MetricSource]:
    told = {
        "cycles": ("cycles", "cost laws of the units, event by event", "exact"),
        "latency_us": ("us", "cycles over the clock", "as the clock"),
        "bytes_off_chip": ("B", "loads and stores of the plan", "exact"),
        "energy_uj": ("uJ", "accesses times Horowitz' 45 nm table", None),
        "lut": ("LUT", "fitted to 193 designs synthesised by yosys", "within 8 % of held-out runs"),
        "clock_mhz": ("MHz", "fitted to 41 placed and routed designs", "within 12 %"),
        "utilisation": ("share of peak", "useful work over cycles", "exact"),
    }
    return {
        name: MetricSource(unit=unit, provenance=source, error=error)
        for name, (unit, source, error) in told.items()
    }


def made_layers_detail(index: int) -> PointDetail:
    """A real detail of a small network's layers, as sweeps of workloads have them."""
    columns = {"accelerator.memory.bytes_per_cycle": np.array([4])}
    reader = reader_of(load_spec(Path(__file__).parents[3] / "examples" / "digits_mlp.yaml"))
    workload = library_workload("mlperf_tiny_ad")
    found = layers_detail(index, {}, reader=reader, workload=workload, columns=columns)
    assert found is not None
    return found


def made_details(file: SweepFile, most: int = 6) -> dict[int, PointDetail]:
    """Real details of a small model, under the numbers of some designs of the front."""
    machine = systolic_machine(
        rows=8, cols=8, lanes=16, scratchpad_bytes=1 << 16, banks=8, bytes_per_cycle=8
    )
    graph = matmul_graph(60, 64, [48, 32, 10], seed=1)
    plan, program = compile_graph(graph, machine)
    one = detail_of(0, {}, graph=graph, machine=machine, plan=plan, program=program)
    return {
        index: replace(
            one,
            index=index,
            settings={p.path: file.columns[p.path][index] for p in file.space.parameters},
        )
        for index in file.front[:most]
    }
