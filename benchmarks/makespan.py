"""Makespans of plans beside a lower bound and two plain schedules.

`digits_mlp` (batch 64) in tasks of one row tile on the example's machine, at three budgets; the
operator graphs at the least budget that works, without and with their weights, on a made-up
machine: an operator takes (bytes of its inputs and outputs) / 8 cycles, the memory port moves 8
bytes per cycle, one tensor at a time.

Serial: load, compute, store. Double: the next operator's loads and the last one's stores run while
an operator computes, at the plan's addresses. Ours: among plans of the fewest bytes, and (`time`)
whatever the bytes. Every timeline is replayed by the checker. The lower bound holds for all plans.
Falls short: a schedule of ours that is longer than a plain one, shorter than the bound, or (fewest
bytes) one that moves more bytes than the plan.
"""

import sys
from collections.abc import Sequence

from parts.form import Row, finish, parser_of
from parts.makespan_cases import Case, cases
from tilewright.dataflow.planning.makespan import Makespans, Schedule, fastest

HEAD = (
    f"{'case':30}{'objective':>10}{'makespan':>11}{'bound':>11}{'gap':>8}"
    f"{'double':>11}{'serial':>11}{'bytes':>11}{'double by.':>11}{'s':>7}"
)


def moved(schedule: Schedule) -> int:
    """All bytes at the memory port."""
    traffic = schedule.traffic
    return traffic.compulsory_read + traffic.compulsory_written + traffic.moved_beyond


def row_of(case: Case, found: Makespans) -> Row:
    """One row of the table."""
    return {
        "case": case.name,
        "objective": found.objective,
        "budget": case.problem.budget,
        "makespan": found.ours.makespan,
        "lower_bound": found.lower_bound,
        "gap_percent": round(100 * found.gap, 2),
        "double_buffered": found.double_buffered.makespan,
        "serial": found.serial.makespan,
        "bytes": moved(found.ours),
        "plain_bytes": moved(found.serial),
        "seconds": round(found.seconds, 1),
    }


def shortfalls_of(row: Row) -> list[str]:
    """What must never happen."""
    name, wrong = f"{row['case']} ({row['objective']})", []
    if not row["lower_bound"] <= row["makespan"] <= row["double_buffered"] <= row["serial"]:
        wrong.append(f"{name}: bound, makespan, double buffered and serial do not rise")
    if row["objective"] == "bytes" and row["bytes"] > row["plain_bytes"]:
        wrong.append(f"{name}: {row['bytes']} bytes, the plan moves {row['plain_bytes']}")
    return wrong


def table(rows: Sequence[Row]) -> str:
    """The rows for readers."""
    lines = [HEAD]
    lines += [
        f"{r['case']:30}{r['objective']:>10}{r['makespan']:>11}{r['lower_bound']:>11}"
        f"{r['gap_percent']:>7}%{r['double_buffered']:>11}{r['serial']:>11}{r['bytes']:>11}"
        f"{r['plain_bytes']:>11}{r['seconds']:>7}"
        for r in rows
    ]
    return "\n".join(lines)


def main() -> int:
    """The exit code."""
    parser = parser_of(__doc__)
    parser.add_argument("--seconds", type=float, default=8.0, help="per case and objective")
    arguments = parser.parse_args()
    rows = []
    for case in cases():
        for objective in ("bytes", "time"):
            found = fastest(
                case.problem, case.machine, objective=objective, seconds=arguments.seconds
            )
            rows.append(row_of(case, found))
            print(f"{case.name} {objective}: {found.seconds:.1f} s", file=sys.stderr, flush=True)
    shortfalls = [text for row in rows for text in shortfalls_of(row)]
    packages = ("numpy", "numba", "ortools")
    return finish(rows, shortfalls, as_json=arguments.json, table=table, packages=packages)


if __name__ == "__main__":
    sys.exit(main())
