"""Memory plans: bytes spilled and reloaded, lower bounds and seconds, beside what others reach.

M_R is the largest need of one operator of a graph, M_P its least budget without spills; activations
only. Each plan comes from the planner with addresses and is replayed here by the checker. `goal` is
bytes and seconds to reach, or better. A row `NAME@M_P` is packed at exactly the least budget, which
is found in the same run (its seconds are shown, and not part of the goal). `sweep` solves 100
budgets from M_R to M_P. Baselines: the best of 12 simple methods that give addresses within the
budget, and the default order with Belady's replacement (sizes only).

minimalloc/X are files of google/minimalloc, benchmarks/challenging, taken from --data; without them
these rows are left out. Compiled code is loaded before anything is timed. Exit code 1 if a goal is
missed.
"""

import sys
import time
from collections.abc import Iterator, Sequence
from dataclasses import asdict
from functools import cache
from pathlib import Path

from parts import planning_cases as cases
from parts.form import Row, finish, parser_of
from tilewright.dataflow.placement.packing import Rectangle, pack
from tilewright.dataflow.planning.baselines import Baseline, baselines
from tilewright.dataflow.planning.checker import check_plan
from tilewright.dataflow.planning.graph_file import read_problem
from tilewright.dataflow.planning.planner import least_budget_without_moves, make_plan
from tilewright.dataflow.planning.problem import Problem
from tilewright.dataflow.planning.random_graph import irregular_graph

DATA = Path(__file__).resolve().parents[2] / "shared" / "data" / "minimalloc"
SWEPT, SWEEP_BUDGETS, SWEEP_SECONDS = "densenet121_f32", 100, 20
PACK_SECONDS, PACK_TOTAL_SECONDS = 60, 120
IRREGULAR_OPERATORS, IRREGULAR_SECONDS, IRREGULAR_SEED = 10_000, 60, 1
BASELINE_SECONDS = 5.0
MARGIN = 0.85
"""Share of the time that the planner is given on the large graph: reading and checking count."""


def problem(graph: str, budget: int | None = None) -> Problem:
    """A graph of the examples."""
    return read_problem(cases.GRAPHS / f"{graph}.json", budget)


@cache
def least_budget(graph: str) -> tuple[int, float]:
    """M_P, and the seconds that finding it takes."""
    started = time.monotonic()
    return least_budget_without_moves(problem(graph)), time.monotonic() - started


def planned(name: str, given: Problem, seconds: float = 60.0) -> Row:
    """One plan, made and checked, as a row without goals."""
    started, cpu = time.monotonic(), time.process_time()
    row: Row = {"instance": name, "operators": len(given.steps), "budget_bytes": given.budget}
    try:
        plan = make_plan(given, seconds=seconds)
    except ValueError as error:
        row |= {"bytes": 0, "lower_bound": 0, "proven": False, "method": "", "fault": str(error)}
        return row | times(started, cpu)
    taken = times(started, cpu)
    moved = check_plan(given, plan).moved_beyond
    certificate = plan.certificate
    assert certificate is not None, "every plan of the planner has one"
    return row | {
        "bytes": moved,
        "lower_bound": certificate.lower_bound,
        "proven": certificate.lower_bound == moved,
        "height_bytes": plan.height(given),
        "method": certificate.method,
        **taken,
    }


def times(started: float, cpu: float) -> Row:
    """Seconds by the clock and of the processor since then."""
    return {
        "seconds": time.monotonic() - started,
        "cpu_seconds": time.process_time() - cpu,
    }


def graph_rows(names: Sequence[str]) -> Iterator[Row]:
    """The graphs at the budgets given."""
    for case in cases.CASES:
        if wanted(case.name, names):
            row = planned(case.name, problem(case.graph, case.budget))
            goals = {"known": case.known, "goal_bytes": case.bytes, "goal_seconds": case.seconds}
            yield row | goals | beside(problem(case.graph, case.budget))


def beside(given: Problem) -> Row:
    """What simple methods move: the best that has addresses within the budget, and the default
    order with Belady's replacement, sizes only.
    """
    found = list(baselines(given, BASELINE_SECONDS))
    first = next(one for one in found if one.height is None)
    best = min((one for one in found if one.height is not None and one.fits), key=_moved)
    return {
        "default_belady_bytes": first.bytes,
        "best_baseline_bytes": best.bytes,
        "best_baseline": f"{best.order}, {best.replacement}, {best.placement}",
        "baselines": [asdict(one) for one in found],
    }


def _moved(one: Baseline) -> int:
    return one.bytes


def least_rows(names: Sequence[str]) -> Iterator[Row]:
    """The graphs at their least budgets without spills."""
    for graph, kib in cases.LEAST_KIB.items():
        if wanted(f"{graph}@M_P", names):
            budget, seconds = least_budget(graph)
            yield planned(f"{graph}@M_P", problem(graph, budget)) | {
                "known": "8 greedy placements need up to 22 % more",
                "goal_bytes": 0,
                "expected_kib": kib,
                "search_seconds": seconds,
            }


def sweep_rows(names: Sequence[str]) -> Iterator[Row]:
    """A graph at many budgets: sums over all of them."""
    name = f"{SWEPT}@sweep"
    if not wanted(name, names):
        return
    most, _ = least_budget(SWEPT)
    least = problem(SWEPT).budget
    last = SWEEP_BUDGETS - 1
    budgets = [least + (most - least) * place // last for place in range(SWEEP_BUDGETS)]
    rows = [planned(name, problem(SWEPT, budget)) for budget in budgets]
    sums = ("bytes", "lower_bound", "seconds", "cpu_seconds")
    yield (
        rows[0]
        | {key: sum(row[key] for row in rows) for key in sums}
        | {
            "instance": f"{name} ({SWEEP_BUDGETS} budgets)",
            "proven": all(row["proven"] for row in rows),
            "unproven_budgets": [row["budget_bytes"] for row in rows if not row["proven"]],
            "goal_seconds": SWEEP_SECONDS,
            "must_be_proven": True,
        }
    )


def irregular_rows(names: Sequence[str]) -> Iterator[Row]:
    """A large graph, for which a checked plan and its gap are the goal."""
    name = f"irregular_{IRREGULAR_OPERATORS}@M_R"
    if wanted(name, names):
        given = irregular_graph(IRREGULAR_OPERATORS, IRREGULAR_SEED)
        row = planned(name, given, IRREGULAR_SECONDS * MARGIN)
        yield row | {"known": "nothing published", "goal_seconds": IRREGULAR_SECONDS}


def minimalloc_rows(names: Sequence[str], data: Path) -> Iterator[Row]:
    """Buffers of fixed lifetimes into a fixed capacity; bytes are those of buffers left out."""
    for letter in cases.MINIMALLOC:
        path = data / cases.file_name(letter)
        if not wanted(f"minimalloc/{letter}", names) or not path.exists():
            continue
        shapes = cases.rectangles(path)
        started, cpu = time.monotonic(), time.process_time()
        packing = pack(shapes, cases.CAPACITY, seconds=PACK_SECONDS)
        taken = times(started, cpu)
        fault = "no packing was found"
        if packing.offsets is not None:
            fault = cases.packing_fault(shapes, packing.offsets, cases.CAPACITY) or ""
        is_known = letter in cases.CP_SAT_ALONE
        yield {
            "instance": f"minimalloc/{letter}",
            "operators": len(shapes),
            "budget_bytes": cases.CAPACITY,
            "bytes": 0,
            "lower_bound": 0,
            "proven": not fault,
            "method": packing.method,
            **taken,
            "known": "CP-SAT alone: 40 s" if is_known else "MiniMalloc: 1.3 to 15.5 s each",
            "goal_seconds": PACK_SECONDS,
            "must_be_proven": True,
            "fault": fault or ("" if cases.is_original(path, letter) else "another file"),
        }


def wanted(name: str, names: Sequence[str]) -> bool:
    """Whether this instance was asked for; all are if none was named."""
    return not names or any(part in name for part in names)


def shortfalls(found: Sequence[Row]) -> list[str]:
    """Everything that misses its goal."""
    missed = []
    for row in found:
        name = row["instance"]
        goal, limit = row.get("goal_bytes"), row.get("goal_seconds")
        if goal is not None and row["bytes"] > goal:
            missed.append(f"{name}: {row['bytes']:,} bytes, goal {goal:,}")
        if (goal is not None or row.get("must_be_proven")) and not row["proven"]:
            missed.append(f"{name}: not proven")
        if limit is not None and row["seconds"] > limit:
            missed.append(f"{name}: {row['seconds']:.2f} s, goal {limit:g} s")
        kib = row.get("expected_kib")
        if kib is not None and round(row["budget_bytes"] / cases.KIB, 1) > kib:
            missed.append(f"{name}: {row['budget_bytes'] / cases.KIB:.1f} KiB, goal {kib}")
        if row.get("fault"):
            missed.append(f"{name}: {row['fault']}")
    packed = [row["seconds"] for row in found if row["instance"].startswith("minimalloc/")]
    if sum(packed) > PACK_TOTAL_SECONDS:
        missed.append(f"minimalloc: {sum(packed):.0f} s in all, goal {PACK_TOTAL_SECONDS} s")
    return missed


def table(found: Sequence[Row]) -> str:
    """The rows for a reader."""
    head = f"{'instance':34}{'budget':>11} {'bytes':>11} {'bound':>11} proven"
    lines = [f"{head} {'seconds':>8} {'CPU':>7} {'goal':>11} {'in s':>5}  known, notes"]
    for row in found:
        goal, limit = row.get("goal_bytes"), row.get("goal_seconds")
        notes = [row.get("known", "")]
        if "search_seconds" in row:
            notes.insert(0, f"M_P found in {row['search_seconds']:.2f} s")
        if "best_baseline_bytes" in row:
            notes.insert(0, baseline_words(row))
        lines.append(
            f"{row['instance']:34}{row['budget_bytes']:>11,} {row['bytes']:>11,} "
            f"{row['lower_bound']:>11,} {'yes' if row['proven'] else 'no':6} "
            f"{row['seconds']:8.2f} {row['cpu_seconds']:7.2f} "
            f"{'' if goal is None else f'{goal:,}':>11} {'' if limit is None else f'{limit:g}':>5}"
            f"  {'; '.join(filter(None, notes))}"
        )
    packed = [row["seconds"] for row in found if row["instance"].startswith("minimalloc/")]
    return "\n".join([*lines, *([f"minimalloc: {sum(packed):.1f} s in all"] if packed else [])])


def baseline_words(row: Row) -> str:
    """What simple methods move."""
    return (
        f"best baseline {row['best_baseline_bytes']:,} ({row['best_baseline']}), "
        f"default + Belady {row['default_belady_bytes']:,}"
    )


def warm_up() -> None:
    """Load or compile the packing search: once per machine, and not what is measured."""
    shapes = [Rectangle(start=i % 3, end=i % 3 + 2, size=1 + i) for i in range(6)]
    for capacity in range(12, 22):
        pack(shapes, capacity, seconds=1)


def main() -> int:
    """Measures and prints."""
    parser = parser_of(__doc__)
    parser.add_argument("--data", type=Path, default=DATA, help="folder with MiniMalloc's files")
    parser.add_argument(
        "--only", action="append", default=[], metavar="NAME", help="instances with this in it"
    )
    arguments = parser.parse_args()
    warm_up()
    names = arguments.only
    found = [
        *graph_rows(names),
        *least_rows(names),
        *sweep_rows(names),
        *irregular_rows(names),
        *minimalloc_rows(names, arguments.data),
    ]
    absent = [x for x in cases.MINIMALLOC if not (arguments.data / cases.file_name(x)).exists()]
    if absent and not arguments.json:
        print(f"left out, {cases.where_from(absent)}")
    packages = ("numba", "numpy", "highspy", "ortools")
    return finish(found, shortfalls(found), as_json=arguments.json, table=table, packages=packages)


if __name__ == "__main__":
    sys.exit(main())
