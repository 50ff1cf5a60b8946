"""The explorer's figures.

`search`: designs evaluated until 99 % of the hypervolume of a space of 15,360 designs whose true
front is known, median of 5 seeds; `--peers` adds Optuna's samplers and random designs. `kill`:
sweeps whose driver or workers are killed 100 times at random moments: records lost, doubled,
missing, results that differ from an undisturbed sweep; one in five of the kills is of the verb with
a small spec, and its files are compared byte for byte. `front`: exact fronts of ten million
designs. `models`: mean errors of comparison models of other machines. `estimate`: speed of the
vectorised estimate, its error against compiled programs, what energy tables agree on. `cycles`: of
layers by our closed forms and in our simulated RTL; `--peers` puts those of SCALE-Sim and ZigZag
beside them, installed into the folder `--out`. `sweep`: the command on the example of 200 designs
with 5 confirmations in RTL. `page`: seconds until the report is drawn in a headless Chromium and
answers a click. `--only` runs some of them.

Falls short: a value above its goal.
"""

import sys
from collections.abc import Callable, Sequence
from pathlib import Path

from parts.cycle_rows import cycle_rows
from parts.estimate_rows import estimate_rows
from parts.form import Row, finish, parser_of
from parts.front_rows import front_rows
from parts.kill_rows import kill_rows
from parts.page_rows import page_rows
from parts.peer_rows import peer_rows
from parts.search_rows import search_rows
from parts.sweep_rows import sweep_rows
from parts.verb_kill_rows import verb_kill_rows

PEERS = ("tpe", "nsga2", "qmc", "random")
PARTS = ("search", "kill", "front", "models", "estimate", "cycles", "sweep", "page")
KILLS = 100


def shortfalls_of(row: Row) -> list[str]:
    """What misses its goal."""
    goal = row.get("goal")
    if goal is None or row["value"] <= goal:
        return []
    return [f"{row['case']}: {row['value']}, the goal is {goal}"]


def _kill_rows(kills: int) -> list[Row]:
    of_verbs = kills // 5
    return [*kill_rows(kills - of_verbs), *(verb_kill_rows(of_verbs) if of_verbs else [])]


def table(rows: Sequence[Row]) -> str:
    """The rows for readers."""
    lines = [f"{'case':62}{'value':>10}{'goal':>8}  more"]
    for row in rows:
        more = ", ".join(f"{k} {v}" for k, v in row.items() if k not in ("case", "value", "goal"))
        goal = "-" if row.get("goal") is None else row["goal"]
        lines.append(f"{row['case']:62}{row['value']:>10}{goal:>8}  {more}")
    return "\n".join(lines)


def main() -> int:
    """The exit code."""
    parser = parser_of(__doc__, peers="other samplers and other cycle models, too")
    parser.add_argument("--only", nargs="+", choices=PARTS)
    parser.add_argument("--out", type=Path, default=Path("out"), help="default out")
    parser.add_argument("--kills", type=int, default=KILLS, help=f"default {KILLS}")
    arguments = parser.parse_args()
    methods = ("model", *(PEERS if arguments.peers else ()))
    parts: dict[str, Callable[[], list[Row]]] = {
        "search": lambda: search_rows(methods=methods),
        "kill": lambda: _kill_rows(arguments.kills),
        "front": front_rows,
        "models": peer_rows,
        "estimate": estimate_rows,
        "cycles": lambda: cycle_rows(arguments.peers, arguments.out),
        "sweep": sweep_rows,
        "page": page_rows,
    }
    rows = [row for name in arguments.only or parts for row in parts[name]()]
    shortfalls = [text for row in rows for text in shortfalls_of(row)]
    packages = ["numpy", "scipy", "numba", *(["optuna"] if arguments.peers else [])]
    return finish(rows, shortfalls, as_json=arguments.json, table=table, packages=packages)


if __name__ == "__main__":
    sys.exit(main())
