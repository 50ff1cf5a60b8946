"""Rows of `exploration.py` on comparison models: Gemmini's published cycles, SCALE-Sim's formula.

The published table is `shared/data/peers/gemmini_rtl_error.csv` beside the project's folder; where
it is not, one row says so.
"""

from __future__ import annotations

import csv
from pathlib import Path

import numpy as np
from tilewright.dse.peers import gemmini_fit
from tilewright.dse.peers.gemmini import FITTED, mean_error
from tilewright.dse.peers.scale_sim import no_stall_cycles

from parts.form import Row

TABLE = Path(__file__).resolve().parents[3] / "shared" / "data" / "peers" / "gemmini_rtl_error.csv"
GOAL_PERCENT = 20.0


def peer_rows(table: Path = TABLE) -> list[Row]:
    """Mean errors in percent of models of Gemmini, and rows where SCALE-Sim's formula is off."""
    if not table.exists():
        return [{"case": "gemmini", "value": "-", "skipped": f"{table.name} is not here"}]
    measured = gemmini_fit.read_measured(table)
    half = gemmini_fit.training_half(measured, seed=1)
    held_out = [row for row in measured if row.layer not in half]
    own = [row.cycles for row in measured]
    known = {
        "timeloop": ([r.timeloop for r in measured], [r.mapped_cycles for r in measured]),
        "scale_sim": ([r.scale_sim for r in measured], own),
        "ideal": ([r.ideal for r in measured], own),
    }
    found: list[Row] = [
        {"case": f"gemmini_{name}_error_percent", "value": round(100 * mean_error(*pair), 1)}
        for name, pair in known.items()
    ]
    for case, some in (("ours", measured), ("ours_held_out", held_out)):
        error = round(100 * gemmini_fit.errors(some, FITTED), 1)
        found.append(
            {"case": f"gemmini_{case}_error_percent", "value": error, "goal": GOAL_PERCENT}
        )
    return [*found, _scale_sim(table)]


def _scale_sim(table: Path) -> Row:
    with table.open(newline="", encoding="utf-8") as file:
        lines = list(csv.DictReader(file))
    of = {name: np.array([int(float(line[name])) for line in lines]) for name in lines[0]}
    m = of["prob.N"] * of["prob.P"] * of["prob.Q"]
    k = of["prob.C"] * of["prob.R"] * of["prob.S"]
    cycles = no_stall_cycles(m, k, of["prob.K"], 16, 16, "weight_stationary")
    wrong = int((cycles != of["scalesim_ws"]).sum())
    return {"case": "scale_sim_formula_wrong_rows", "value": wrong, "goal": 0}
