"""Cycles and LUTs of the top-k engines beside published designs.

Cycles are those of the emitted Verilog under Verilator, from the first transfer in to the last out,
and must equal the cost law's on every row; every word out is compared with the golden model. LUTs
are yosys' (synth_xilinx -family xcup, no placement). `trace_p16` needs a public file (see
parts/topk_radix_rows.py) and is skipped without it. Exit code 1 if something falls short.
"""

import sys
from collections.abc import Sequence

from parts import topk_radix_rows
from parts.form import Row, arguments_of, finish

PACKAGES = ("amaranth", "verilator", "cocotb", "numpy", "pyosys")


def shortfalls(rows: Sequence[Row]) -> list[str]:
    """What is wrong or misses its goal."""
    found = []
    for row in rows:
        name = row["case"]
        if row.get("problem"):
            found.append(f"{name}: {row['problem']}")
        if row.get("cycles") != row.get("estimate"):
            found.append(f"{name}: {row['cycles']} cycles, estimate {row['estimate']}")
        measured = row.get("cycles_per_row", row.get("cycles", row.get("lut")))
        if "goal" in row and (measured is None or measured > row["goal"]):
            found.append(f"{name}: {measured}, goal {row['goal']}")
        for kind in ("lut", "ff"):
            if f"{kind}_goal" in row and row[kind] > row[f"{kind}_goal"]:
                found.append(f"{name}: {row[kind]} {kind.upper()}, goal {row[f'{kind}_goal']}")
        if "goal" in row and row.get("ratio_to_random", 0.0) > topk_radix_rows.SHAPE_MARGIN:
            found.append(f"{name}: {row['ratio_to_random']} of what random keys take")
    return found


def table(rows: Sequence[Row]) -> str:
    """The rows for a reader."""
    lines = [f"{'case':34}{'peer':>8}{'limit':>8}{'measured':>11}{'estimate':>10}{'goal':>8}"]
    for row in (row for row in rows if "cycles" in row):
        per_row = row.get("cycles_per_row")
        measured = f"{row['cycles']:,}" if per_row is None else f"{per_row:.3f}/row"
        lines.append(
            f"{row['case']:34}{_shown(row, 'peer'):>8}{_shown(row, 'limit'):>8}{measured:>11}"
            f"{_shown(row, 'estimate'):>10}{_shown(row, 'goal'):>8}"
        )
    lines += ["", f"{'area':34}{'peer':>8}{'LUT':>9}{'goal':>8}{'FF':>8}{'goal':>8}{'BRAM':>6}"]
    for row in (row for row in rows if "lut" in row):
        goal = "lut_goal" if "lut_goal" in row else "goal"
        lines.append(
            f"{row['case']:34}{_shown(row, 'peer'):>8}{_shown(row, 'lut'):>9}"
            f"{_shown(row, goal):>8}{_shown(row, 'ff'):>8}{_shown(row, 'ff_goal'):>8}"
            f"{_shown(row, 'bram'):>6}"
        )
    lines += [f"{row['case']}: skipped, {row['skipped']}" for row in rows if "skipped" in row]
    return "\n".join([*lines, ""])


def _shown(row: Row, name: str) -> str:
    value = row.get(name)
    return f"{value:,}" if isinstance(value, int) else str("" if value is None else value)


def main() -> int:
    """Simulates, synthesises and prints."""
    arguments = arguments_of(
        __doc__, radix="only radix_select", queues="only the queues and the merge"
    )
    rows = [] if arguments.queues else topk_radix_rows.rows()
    if not arguments.radix:
        from parts import topk_queue_rows  # not needed by the other half

        rows += topk_queue_rows.rows()
    short = shortfalls(rows)
    return finish(rows, short, as_json=arguments.json, table=table, packages=PACKAGES)


if __name__ == "__main__":
    sys.exit(main())
