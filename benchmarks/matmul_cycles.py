"""Cycles of matrix products on simulated accelerators, beside the estimate and a peer.

Part 1: a 16x16 int8 array, output stationary (256 MAC/cycle), 256 KiB scratchpad, a memory port
with independent read and write channels of 16 bytes per cycle, 40 cycles to the first beat, 8
bursts outstanding; int8 results with bias and exact per-channel requantisation. Operands and
results lie in the compiler's layouts: A and the results [K/16][M][16], B [N/16][K/16][16][16].
Cycles are those of the emitted Verilog under Verilator, from the accepted start write to the last
write response.

Part 2: at least 60 ragged random shapes over both dataflows and several array sizes.

Every result is compared with the golden model; every difference between measured and estimated
cycles counts as falling short.

The peer is Gemmini 16x16 with its best mapping: published FireSim cycles of its RTL (DOSA's test
data, ucb-bar/dosa), with 144+32 to 256+64 KiB of memories.
"""

import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from parts.form import Row, arguments_of, finish
from tilewright.dataflow.machine import Machine

from tilewright.flow.programmable import BatchResult, GraphRun, make_programmable, run_graphs
from tilewright.machines import systolic_machine
from tilewright.workloads import matmul_graph

GOALS = {
    (128, 768, 768): (304_571, 99.0),
    (128, 64, 128): (6_597, 91.0),
    (128, 128, 64): (7_164, 90.0),
    (128, 768, 3072): (1_190_378, 99.7),
    (128, 3072, 768): (1_192_768, 99.5),
}
"""M, K, N -> the peer's cycles, and our goal in per cent of peak."""
RAGGED_ARRAYS = (
    ("output_stationary", 4, 4, 4),
    ("output_stationary", 5, 3, 6),
    ("output_stationary", 8, 8, 16),
    ("weight_stationary", 4, 4, 4),
    ("weight_stationary", 3, 2, 4),
    ("weight_stationary", 8, 8, 8),
)
"""Dataflow, rows, cols, lanes."""
SHAPES_PER_ARRAY = 12
SEED = 2026


def run_part(machine: Machine, shapes: Sequence[tuple[int, int, int]], name: str) -> BatchResult:
    """All shapes on one accelerator."""
    graphs = [matmul_graph(*shape, seed=SEED + n) for n, shape in enumerate(shapes)]
    with tempfile.TemporaryDirectory(prefix=f"tilewright-{name}-") as folder:
        return run_graphs(make_programmable(machine), graphs, Path(folder), seed=SEED)


def row_of(run: GraphRun, shape: tuple[int, int, int], machine: Machine) -> Row:
    """One row of the table."""
    m, k, n = shape
    params = machine.engines[0].params
    row: Row = {"m": m, "k": k, "n": n}
    row |= {name: params[name] for name in ("rows", "cols", "lanes", "dataflow")}
    row |= {"cycles": run.cycles, "estimate": run.estimate.cycles}
    row |= {"mismatches": run.mismatches, "problems": list(run.problems)}
    return row | {"percent_of_peak": round(100 * run.utilisation, 2)}


def large_rows() -> list[Row]:
    """Part 1."""
    machine = systolic_machine(rows=16, cols=16, lanes=16, scratchpad_bytes=256 * 1024, banks=16)
    batch = run_part(machine, list(GOALS), "large")
    rows = []
    for run, (shape, (peer, goal)) in zip(batch.runs, GOALS.items(), strict=True):
        row = row_of(run, shape, machine)
        rows.append(row | {"part": "goals", "peer_cycles": peer, "goal_percent": goal})
    return rows


def ragged_rows() -> list[Row]:
    """Part 2."""
    rng = np.random.default_rng(SEED)
    rows = []
    for dataflow, height, width, lanes in RAGGED_ARRAYS:
        machine = systolic_machine(
            rows=height, cols=width, lanes=lanes, dataflow=dataflow, scratchpad_bytes=16 * 1024
        )
        shapes = [
            tuple(int(n) for n in rng.integers(1, (5 * height, 5 * lanes, 4 * lanes)))
            for _ in range(SHAPES_PER_ARRAY)
        ]
        batch = run_part(machine, shapes, f"{dataflow}-{height}x{width}")
        rows += [
            row_of(run, shape, machine) | {"part": "ragged"}
            for run, shape in zip(batch.runs, shapes, strict=True)
        ]
    return rows


def shortfalls(rows: Sequence[Row]) -> list[str]:
    """What is wrong or misses its goal."""
    found = []
    for row in rows:
        name = f"{row['m']}x{row['k']}x{row['n']} on {row['rows']}x{row['cols']} {row['dataflow']}"
        if row["mismatches"] or row["problems"]:
            found.append(f"{name}: {row['mismatches']} wrong values {row['problems']}")
        if row["cycles"] != row["estimate"]:
            found.append(f"{name}: {row['cycles']} cycles, estimate {row['estimate']}")
        if row["percent_of_peak"] < row.get("goal_percent", 0.0):
            found.append(f"{name}: {row['percent_of_peak']} %, goal {row['goal_percent']} %")
    return found


def table(rows: Sequence[Row]) -> str:
    """The rows for a reader."""
    lines = [
        "M x K x N         peer's cycles  % of peak |    cycles   estimate  diff  % of peak  goal"
    ]
    for row in (row for row in rows if row["part"] == "goals"):
        peak = row["m"] * row["k"] * row["n"] / (row["rows"] * row["cols"])
        lines.append(
            f"{row['m']:>4} x {row['k']:>4} x {row['n']:>4} {row['peer_cycles']:>13,}"
            f"{100 * peak / row['peer_cycles']:>10.1f} | {row['cycles']:>9,}  {row['estimate']:>9,}"
            f"{row['cycles'] - row['estimate']:>6}{row['percent_of_peak']:>10.2f}"
            f"{row['goal_percent']:>7}"
        )
    ragged = [row for row in rows if row["part"] == "ragged"]
    if ragged:
        lines += [
            "",
            "ragged random shapes   shapes     cycles   estimate  differing  wrong values",
        ]
    for array in dict.fromkeys((r["dataflow"], r["rows"], r["cols"], r["lanes"]) for r in ragged):
        own = [r for r in ragged if (r["dataflow"], r["rows"], r["cols"], r["lanes"]) == array]
        cycles, estimate = (sum(row[key] for row in own) for key in ("cycles", "estimate"))
        differing = sum(row["cycles"] != row["estimate"] for row in own)
        wrong = sum(row["mismatches"] for row in own)
        name = f"{array[1]}x{array[2]}/{array[3]} {array[0].split('_')[0]}"
        lines.append(
            f"{name:22} {len(own):>6} {cycles:>10,} {estimate:>10,}{differing:>11}{wrong:>14}"
        )
    return "\n".join(lines)


def main() -> int:
    """Simulates and prints."""
    arguments = arguments_of(__doc__, large="only part 1", ragged="only part 2")
    rows = [] if arguments.ragged else large_rows()
    rows += [] if arguments.large else ragged_rows()
    packages = ("amaranth", "verilator", "cocotb", "numpy")
    return finish(rows, shortfalls(rows), as_json=arguments.json, table=table, packages=packages)


if __name__ == "__main__":
    sys.exit(main())
