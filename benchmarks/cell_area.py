"""Real synthesis to cells against the model of silicon area: um2 of arrays and accelerators.

    python benchmarks/cell_area.py                     errors of the committed model
    python benchmarks/cell_area.py --missing --liberty FILE      synthesise what the table lacks
    python benchmarks/cell_area.py --fresh --liberty FILE        all of it again
    python benchmarks/cell_area.py --fit               coefficients from the table

The table is `benchmarks/cell_area.csv`: a row per design and library with the versions of the tools
and digests of library and Verilog. Designs are those of `resources.py`, one after the other, each
with the flow of `tilewright synth --family asic` at its default clock; `--seconds` ends a run
early, the next one goes on. Designs that are held out are never fitted to. Exit code 1 if the
errors on held-out designs are above the goals.
"""

import argparse
import json
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from parts.cell_area_fit import Sample, errors_of, fit_library, macro_errors, samples_of
from parts.cell_area_table import (
    CSV,
    FREQ_HZ,
    add_row,
    identity_of,
    library_of,
    measure,
    read_rows,
    wanted,
)
from parts.form import Row as FormRow
from parts.form import finish, parser_of
from parts.resource_table import spec_of, verilog_of
from tilewright.hw.lib.cell_area import FILE, cell_table

GOAL_MEAN, GOAL_WORST, LEAST_HELD_OUT = 0.05, 0.15, 8


def main() -> int:
    parser = parser_of(__doc__, missing="synthesise missing rows", fresh="make all rows again",
                       fit="write the coefficients")  # fmt: skip
    parser.add_argument("--liberty", type=Path, metavar="FILE", help="the cell library")
    parser.add_argument("--only", nargs="+", metavar="DESIGN", help="keys of designs")
    parser.add_argument("--seconds", type=float, default=float("inf"), help="stop after")
    options = parser.parse_args()
    if options.missing or options.fresh:
        if options.liberty is None:
            parser.error("synthesis needs --liberty FILE")
        _run(options)
        return 0
    samples = samples_of(read_rows())
    if options.fit:
        _fit(samples)
        return 0
    return _report(samples, as_json=options.json)


def _run(options: argparse.Namespace) -> None:
    """Make rows until all are there or time is up; each is in the table at once."""
    if options.fresh:
        CSV.unlink(missing_ok=True)
    end = time.monotonic() + options.seconds
    library = library_of(options.liberty)
    for design in wanted():
        if options.only and design.key not in options.only:
            continue
        if time.monotonic() > end:
            print("time is up; run again to go on", file=sys.stderr)
            return
        verilog = verilog_of(spec_of(design))
        if identity_of(design, verilog, library) in {row.identity for row in read_rows()}:
            continue
        row = measure(design, verilog, library)
        add_row(row)
        print(f"{row.key}: {row.cell_area:,.0f} um2, {row.registers} registers, {row.seconds} s",
              file=sys.stderr)  # fmt: skip


def _fit(samples: Sequence[Sample]) -> None:
    """Write the coefficients with their provenance and errors."""
    tables: dict[str, Any] = {}
    for library in dict.fromkeys(sample.row.library for sample in samples):
        own = [sample for sample in samples if sample.row.library == library]
        table = fit_library(own)
        errors, seen = errors_of(own, table), errors_of(own, table, held_out=False)
        table["accuracy"] = {
            "mean": round(errors.mean, 4), "worst": round(errors.worst, 4),
            "fitted": len(seen.by_key), "held_out": len(errors.by_key),
        }  # fmt: skip
        table |= {
            "freq_mhz": FREQ_HZ / 1e6,
            "yosys": "/".join(sorted({sample.row.yosys for sample in own})),
            "liberty": "/".join(sorted({sample.row.liberty for sample in own})),
            "date": max(sample.row.date for sample in own),
        }
        tables[library] = table
    about = "written by benchmarks/cell_area.py --fit from benchmarks/cell_area.csv"
    FILE.write_text(json.dumps({"about": about, "libraries": tables}, indent=1) + "\n")
    print(f"{FILE.name}: {len(samples)} runs", file=sys.stderr)


def _report(samples: Sequence[Sample], *, as_json: bool) -> int:
    rows: list[FormRow] = []
    shortfalls = [
        f"{key}: {bits:+} bits of macros, the rule is exact"
        for key, bits in macro_errors(samples).items()
    ]
    for library, table in cell_table().get("libraries", {}).items():
        errors = errors_of([s for s in samples if s.row.library == library], table)
        worst = max(errors.by_key, key=lambda key: abs(errors.by_key[key]))
        is_good = errors.mean <= GOAL_MEAN and errors.worst <= GOAL_WORST
        is_good &= len(errors.by_key) >= LEAST_HELD_OUT
        rows.append({
            "case": f"cell area {library}", "designs": len(errors.by_key),
            "mean_error": round(errors.mean, 4), "worst_error": round(errors.worst, 4),
            "worst_design": worst, "goal": f"mean {GOAL_MEAN:.0%}, worst {GOAL_WORST:.0%}",
            "ok": is_good,
        })  # fmt: skip
        if not is_good:
            shortfalls.append(f"{library}: mean {errors.mean:.1%}, worst {errors.worst:.1%} of "
                              f"{len(errors.by_key)} designs, goals {GOAL_MEAN:.0%}, "
                              f"{GOAL_WORST:.0%} of at least {LEAST_HELD_OUT}")  # fmt: skip
    return finish(rows, shortfalls, as_json=as_json, table=_table, packages=("pyosys",))


def _table(rows: Sequence[FormRow]) -> str:
    lines = [f"{'what':<42} {'designs':>7} {'mean':>8} {'worst':>8}  worst design"]
    lines += [
        f"{row['case']:<42} {row['designs']:>7} {row['mean_error']:>8.2%} "
        f"{row['worst_error']:>8.2%}  {row['worst_design']}"
        for row in rows
    ]
    return "\n".join(lines)


if __name__ == "__main__":
    sys.exit(main())
