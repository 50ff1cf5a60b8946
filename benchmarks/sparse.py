"""Sparse engines: SpMM, SDDMM, N:M weights and zero elimination beside published designs.

Each part under benchmarks/parts simulates the emitted Verilog under Verilator, compares every word
and counts cycles with fill and drain. Occupancy is that of useful MACs, in per cent. Rows fall
short if a result is wrong, if measured and estimated cycles differ, if a goal is missed, or if
their data are not there. `--case NAME` (again for more) runs the cases whose names begin so.
"""

import importlib
import inspect
import sys
from collections.abc import Callable, Sequence

from parts.form import Row, finish, parser_of

PARTS = {
    "spmm_rows": "spmm_",
    "spmm_mode_rows": "spmm_",
    "sddmm_rows": "sddmm_",
    "nm_rows": "nm_",
    "zero_skip_rows": "zero_skip_",
}
"""Module and beginning of its cases' names."""
MORE_IS_BETTER = {"occupancy": "%", "speedup": "x", "elements_per_cycle": "/cycle"}
LESS_IS_BETTER = {"lut": "LUT"}
PAIRS = (("cycles", "estimate"), ("dense_cycles", "dense_estimate"))
DETAILS = ("gemm", "part", "shape", "mode", "name")
PACKAGES = ("amaranth", "verilator", "cocotb", "numpy", "pyosys")


def rows_of(part: str, wants: Callable[[str], bool]) -> list[Row]:
    """The rows of a part; a part that may be told what is wanted runs only that."""
    rows = importlib.import_module(f"parts.{part}").rows
    found: list[Row] = rows(wants) if inspect.signature(rows).parameters else rows()
    return [row for row in found if wants(row["case"])]


def measure_of(row: Row) -> tuple[str, str, bool]:
    """Name and unit of what a row's goal is about, and whether more is better."""
    for name, unit in MORE_IS_BETTER.items():
        if name in row:
            return name, unit, True
    for name, unit in LESS_IS_BETTER.items():
        if name in row:
            return name, unit, False
    return "cycles", "cycles", False


def name_of(row: Row) -> str:
    """Case and what tells its rows apart."""
    return " ".join(str(row[key]) for key in ("case", *DETAILS) if key in row)


def shortfalls_of(row: Row) -> list[str]:
    """What is wrong with a row, or misses its goal."""
    name = name_of(row)
    if "skipped" in row:
        return [f"{name}: not measured, {row['skipped']}"]
    found = []
    if not row.get("is_right", True):
        found.append(f"{name}: wrong results {row.get('message', '')}".rstrip())
    for cycles, estimate in PAIRS:
        if row.get(cycles) != row.get(estimate):
            found.append(f"{name}: {row.get(cycles)} {cycles}, estimate {row.get(estimate)}")
    measure, unit, more = measure_of(row)
    value, goal = row[measure], row.get("goal")
    is_missed = goal is not None and (value < goal if more else value > goal)
    if is_missed:
        found.append(f"{name}: {measure} {value} {unit}, goal {goal}")
    if not found and not row.get("is_met", True):
        found.append(f"{name}: the goal is not met")
    return found


def table(rows: Sequence[Row]) -> str:
    """The rows for a reader."""
    width = max([len(name_of(row)) for row in rows], default=4)
    lines = [
        f"{'case':{width}}{'cycles':>12}{'estimate':>12}{'ours':>16}{'goal':>9}{'limit':>9}  peer"
    ]
    for row in rows:
        if "skipped" in row:
            lines.append(f"{name_of(row):{width}}  not measured: {row['skipped']}")
            continue
        measure, unit, _ = measure_of(row)
        cycles, estimate = (
            f"{row[key]:,}" if row.get(key) is not None else "-" for key in ("cycles", "estimate")
        )
        ours = f"{row[measure]} {unit}"
        lines.append(
            f"{name_of(row):{width}}{cycles:>12}{estimate:>12}{ours:>16}"
            f"{row.get('goal', '-')!s:>9}{row.get('limit', '-')!s:>9}  {row.get('peer', '-')}"
        )
    return "\n".join(lines)


def main() -> int:
    """Measures and prints."""
    parser = parser_of(__doc__)
    parser.add_argument("--case", action="append", metavar="NAME", help="run some cases only")
    arguments = parser.parse_args()
    names = arguments.case or [""]

    def wants(case: str) -> bool:
        return case.startswith(tuple(names))

    rows: list[Row] = []
    for part, beginning in PARTS.items():
        if not any(n.startswith(beginning) or beginning.startswith(n) for n in names):
            continue
        print(f"{part} ...", file=sys.stderr, flush=True)
        rows += rows_of(part, wants)
    shortfalls = [text for row in rows for text in shortfalls_of(row)]
    shortfalls += [f"no case begins with {n}" for n in names if not rows]
    return finish(rows, shortfalls, as_json=arguments.json, table=table, packages=PACKAGES)


if __name__ == "__main__":
    sys.exit(main())
