"""What an accelerator's run found, as rows, data and Markdown."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from tilewright.build.accelerator_run import AcceleratorResult
from tilewright.hw.hardware_config import CORE

from .design import Design
from .results import REPORT_TEXT, Result, activity_table, limit_sentence, markdown_activity
from .simulation import SIMULATION
from .verdict import Verdict

SMALLEST_SHARE = 0.0005
"""Less is not shown."""


def design_rows(design: Design) -> list[tuple[str, str]]:
    """What is known before anything is simulated."""
    engine = design.machine.engines[0].params
    estimate = design.estimate
    read = estimate.read_words * design.machine.word_bytes
    written = estimate.written_words * design.machine.word_bytes
    share = 100 * estimate.utilisation(design.macs)
    return [
        ("array", f"{engine['rows']} x {engine['cols']}, {engine['dataflow']}"),
        ("work per start", f"{design.batch} samples, {design.macs:,} MACs"),
        ("cycles estimated", f"{estimate.cycles:,} per start"),
        ("utilisation", f"{share:.1f} % of {estimate.macs_per_cycle} MAC/cycle"),
        ("memory traffic", f"{read:,} bytes read, {written:,} written"),
        *_plan_rows(design),
    ]


def _plan_rows(design: Design) -> list[tuple[str, str]]:
    """What a planned schedule says of itself."""
    if not design.is_planned:
        return []
    certificate = design.plan.certificate
    gap = "proven least" if not certificate.gap else f"gap {100 * certificate.gap:.1f} %"
    words = f"{certificate.bytes:,} bytes per start, at least {certificate.lower_bound_bytes:,}"
    return [("plan", f"{words} for its {len(design.plan.tasks)} tasks, {gap}")]


def design_data(design: Design) -> dict[str, Any]:
    """The same for programs."""
    return {
        "name": design.name,
        "macs": design.macs,
        "batch": design.batch,
        "estimated_cycles": design.estimate.cycles,
        "utilisation": design.estimate.utilisation(design.macs),
        "commands": design.program.num_commands,
        "memory_bytes": design.memory_bytes,
    }


def verification(
    design: Design, verdict: Verdict, result: AcceleratorResult, out: Path, *, is_compiled: bool
) -> Result:
    """The verdict of a run: right values, exactly the estimated cycles and the plan's bytes."""
    activity = _activity(design, result)
    starts = len(result.cases)
    estimated = design.estimate.cycles * starts
    measured = sum(case.cycles for case in result.cases)
    planned = design.plan.certificate.bytes * starts
    moved = sum(case.bytes_read + case.bytes_written for case in result.cases)
    shares = cycle_shares(design, activity, measured, starts)
    rows = [
        *verdict.rows(),
        ("cycles measured", f"{measured:,} in {starts} start(s)"),
        ("cycles estimated", f"{estimated:,}"),
        ("difference", f"{measured - estimated:,}"),
        *_plan_rows(design),
        *_bytes_rows(design, moved, planned),
        ("utilisation", _utilisation_text(shares["useful"], design)),
        ("where cycles went", _shares_text(shares)),
        ("Verilog", str(out / f"{design.name}.v")),
        ("report", str(out / REPORT_TEXT)),
    ]
    data = {
        **design_data(design),
        **verdict.data(),
        "cycles": [case.cycles for case in result.cases],
        "difference": measured - estimated,
        "bytes_planned": planned,
        "bytes_difference": moved - planned,
        "measured_utilisation": shares["useful"],
        "cycle_shares": shares,
        "activity": activity,
        **_run_data(result, out),
        "was_compiled": is_compiled,
        "verilog": str(out / f"{design.name}.v"),
    }
    is_ok = result.is_passed and verdict.is_right and _is_as_planned(design, result)
    run = result.run.moved_to(out / SIMULATION)
    notes = [] if run.is_passed else [run.explain()]
    return Result(title=f"{design.name}: verification", ok=is_ok, rows=rows, data=data, notes=notes)


def _is_as_planned(design: Design, result: AcceleratorResult) -> bool:
    """Cycles and bytes of each start by itself: in sums, one too many would hide one too few."""
    told = (design.estimate.cycles, design.plan.certificate.bytes)
    return all((case.cycles, case.bytes_read + case.bytes_written) == told for case in result.cases)


def _utilisation_text(share: float, design: Design) -> str:
    return f"{100 * share:.1f} % of {design.estimate.macs_per_cycle} MAC/cycle"


def _bytes_rows(design: Design, moved: int, planned: int) -> list[tuple[str, str]]:
    """What crossed the memory port beside the plan's bytes, where a planner chose them."""
    if not design.is_planned and moved == planned:
        return []
    return [("bytes moved", f"{moved:,}, {moved - planned:,} more than planned")]


def _shares_text(shares: Mapping[str, float]) -> str:
    shown = (f"{100 * x:.1f} % {what}" for what, x in shares.items() if x >= SMALLEST_SHARE)
    return ", ".join(shown)


def cycle_shares(
    design: Design, activity: Mapping[str, Mapping[str, int]], cycles: int, starts: int
) -> dict[str, float]:
    """Shares of the measured cycles, by what the array did; they sum to 1.

    Padding: multiply-accumulates beyond the edges of ragged tiles and blocks of k.
    """
    if not cycles:
        return {"useful": 0.0, "nothing was measured": 1.0}
    useful = design.macs * starts / (cycles * design.estimate.macs_per_cycle)
    computing = design.estimate.steps * starts / cycles
    if not activity:  # the hardware does not count
        parts = {"useful": useful, "padding": computing - useful}
        return parts | {"waiting, start and end": 1.0 - computing}
    core = activity[CORE]
    shares = {
        "useful": useful,
        "padding": computing - useful,
        "waiting for operands": core["wait_input"] / cycles,
        "waiting for room": core["wait_output"] / cycles,
    }
    return shares | {"start and end": 1.0 - sum(shares.values())}


def _run_data(result: AcceleratorResult, out: Path) -> dict[str, Any]:
    return {
        "bytes_read": sum(case.bytes_read for case in result.cases),
        "bytes_written": sum(case.bytes_written for case in result.cases),
        "simulation_seconds": result.run.seconds,
        "repeat": result.run.moved_to(out / SIMULATION).repeat,
    }


def _activity(design: Design, result: AcceleratorResult) -> dict[str, dict[str, int]]:
    if not (result.cases and design.config.has_counters):
        return {}
    totals = np.sum([case.counters for case in result.cases], axis=0)
    return activity_table([unit.name for unit in design.config.units], [int(n) for n in totals])


def markdown(report: Result, design: Design) -> str:
    """The report for people."""
    lines = [f"# {report.title}: {'PASSED' if report.ok else 'FAILED'}", ""]
    lines += ["| what | value |", "|---|---|", *(f"| {a} | {b} |" for a, b in report.rows), ""]
    lines += [f"> {note}" for note in report.notes]
    if activity := report.data["activity"]:
        limit = limit_sentence(activity, CORE, is_planned=design.is_planned).capitalize()
        lines += ["## Where the cycles went", "", f"{limit}."]
        lines += ["", markdown_activity(activity), ""]
    return "\n".join([*lines, "## Operators", "", *_op_lines(design), ""])


def _op_lines(design: Design) -> list[str]:
    lines = ["| operator | from | M x K x N | MACs |", "|---|---|---|---:|"]
    for op in design.graph.ops:
        m, k = design.graph.tensor(op.inputs[0]).shape
        n = design.graph.tensor(op.inputs[1]).shape[1]
        origin = op.origin.replace("|", "\\|")
        lines.append(f"| {op.name} | {origin} | {m} x {k} x {n} | {m * k * n:,} |")
    return lines
